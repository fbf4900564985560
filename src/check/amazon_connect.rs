//! Whether Amazon Connect takes the credentials, has what the settings name, and sends notifications here.

use std::sync::Arc;

use handoff_relay::{
    agents::platforms::amazon_connect::{
        AmazonConnect, Opening, Subscription,
        aws::{CallError, ErrorKind},
    },
    environment::Machine,
    settings::Settings,
};

use super::Verdict;

type Line = (&'static str, Verdict);

const INSTANCE: &str = "Connect instance";
const FLOW: &str = "Connect flow";
const TOPIC: &str = "Connect topic";
const HOURS: &str = "Connect hours";
/// The only kind of flow that a chat can begin with.
const KIND: &str = "CONTACT_FLOW";

pub async fn check(settings: &Settings) -> Vec<Line> {
    let Some(of_settings) = &settings.amazon_connect else { return Vec::new() };
    let connect = match AmazonConnect::new(of_settings, Arc::new(Machine)) {
        Ok(connect) => connect,
        Err(error) => return vec![(INSTANCE, Verdict::Bad(format!("TLS can't be set up: {error}")))],
    };
    let instance = match connect.api.describe_instance().await {
        Ok(found) if found.status == "ACTIVE" => {
            let name = found.alias.unwrap_or(found.arn);
            Verdict::Good(format!("{name} takes the credentials"))
        }
        Ok(found) => Verdict::Bad(format!("the instance is {}, not ACTIVE", found.status)),
        Err(error) => bad(&error),
    };
    let mut lines = vec![(INSTANCE, instance), (FLOW, flow(&connect).await)];
    if let Some(public_url) = &settings.public_url {
        lines.push((TOPIC, topic(&connect, public_url).await));
    }
    if connect.settings.check_hours {
        lines.push((HOURS, hours(&connect).await));
    }
    lines
}

fn bad(error: &CallError) -> Verdict {
    Verdict::Bad(error.to_string())
}

async fn flow(connect: &AmazonConnect) -> Verdict {
    let Some(id) = &connect.settings.contact_flow_id else {
        return Verdict::Known(
            "AMAZON_CONNECT_CONTACT_FLOW_ID is not set: each start call must name a contact_flow_id"
                .to_owned(),
        );
    };
    match connect.api.describe_contact_flow(id).await {
        Ok(flow) if flow.kind != KIND => Verdict::Bad(format!(
            "{} is a {}; a chat begins with an inbound flow ({KIND})",
            flow.name, flow.kind
        )),
        Ok(flow) if !flow.is_active => {
            Verdict::Bad(format!("{} is archived: take it out of the archive", flow.name))
        }
        Ok(flow) => Verdict::Good(format!("chats begin with {}", flow.name)),
        Err(error) => bad(&error),
    }
}

async fn topic(connect: &AmazonConnect, public_url: &url::Url) -> Verdict {
    let door = format!("{}{}", public_url.as_str().trim_end_matches('/'), AmazonConnect::DOOR);
    match connect.look_up_subscription(public_url).await {
        Ok(Subscription::Confirmed) => Verdict::Good(format!("{door} is subscribed, and confirmed")),
        Ok(Subscription::Pending) => Verdict::Bad(format!(
            "{door} is subscribed, and not confirmed: start the relay, and choose Request confirmation in the SNS console"
        )),
        Ok(_) => Verdict::Bad(format!(
            "no subscription of the topic leads to {door}: subscribe it with the protocol HTTPS"
        )),
        Err(error) if error.kind == ErrorKind::Gone => {
            let topic = &connect.settings.topic_arn;
            Verdict::Bad(format!("the topic {topic} does not exist: see AMAZON_CONNECT_TOPIC_ARN ({error})"))
        }
        Err(error) => Verdict::Known(format!("whether {door} is subscribed is not known: {error}")),
    }
}

async fn hours(connect: &AmazonConnect) -> Verdict {
    let Some(queue) = &connect.settings.queue_id else {
        return Verdict::Known(
            "AMAZON_CONNECT_QUEUE_ID is not set: each start call must name a queue_id".to_owned(),
        );
    };
    match connect.is_open(queue).await {
        Ok(Opening::Open) => Verdict::Good("the queue is open now".to_owned()),
        Ok(Opening::Closed) => Verdict::Good("the queue is closed now".to_owned()),
        Ok(Opening::NoHours) => {
            Verdict::Bad("the queue has no hours of operation, or an unknown time zone".to_owned())
        }
        Err(error) => bad(&error),
    }
}
