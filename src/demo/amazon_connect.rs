//! A stand-in Amazon Connect beside the demo, so that the whole path can be seen without an AWS account.

use sandbox::amazon_connect::{ConnectOptions, ConnectStandIn};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The stand-in, and where it listens.
pub struct Connect {
    standin: ConnectStandIn,
    listener: TcpListener,
    url: String,
}

impl Connect {
    /// One at this address.
    ///
    /// # Errors
    /// The address can't be found out.
    pub fn new(listener: TcpListener) -> anyhow::Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { standin: ConnectStandIn::new(ConnectOptions::default()), listener, url })
    }

    /// The page of its agents.
    pub fn page(&self) -> String {
        format!("{}/agent", self.url)
    }

    /// The settings that name it, for a relay at `public`.
    pub fn settings(&self, public: &str) -> Vec<(&'static str, String)> {
        let options = self.standin.options();
        vec![
            ("PUBLIC_URL", public.to_owned()),
            ("AMAZON_CONNECT_REGION", options.region.clone()),
            ("AMAZON_CONNECT_INSTANCE_ID", options.instance_id.clone()),
            ("AMAZON_CONNECT_CONTACT_FLOW_ID", options.contact_flow_ids.first().cloned().unwrap_or_default()),
            ("AMAZON_CONNECT_TOPIC_ARN", options.topic_arn.clone()),
            ("AMAZON_CONNECT_ACCESS_KEY_ID", options.access_key_id.clone()),
            ("AMAZON_CONNECT_SECRET_ACCESS_KEY", options.secret_access_key.clone()),
            ("AMAZON_CONNECT_ENDPOINT", self.url.clone()),
            ("AMAZON_CONNECT_PARTICIPANT_ENDPOINT", self.url.clone()),
            ("AMAZON_CONNECT_SNS_ENDPOINT", self.url.clone()),
            ("AMAZON_CONNECT_STS_ENDPOINT", self.url.clone()),
        ]
    }

    /// Serves until stopped, and has the relay at `public` subscribed to its topic.
    ///
    /// # Errors
    /// It can't serve.
    pub async fn serve(self, public: &str, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { standin, listener, url } = self;
        let door = format!("{public}/webhooks/amazon-connect");
        let subscribe = async {
            // What it signs names where it is served.
            standin.until(|standin| standin.url() == url).await;
            standin.subscribe(door);
            std::future::pending::<()>().await
        };
        tokio::select! {
            served = standin.serve(listener, stop) => served,
            () = subscribe => Ok(()),
        }
    }
}
