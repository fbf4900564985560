//! What the instance has: itself, contact flows, queues and their hours.

use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Connect, Hours, Operation, path::path, read, signed::connect};
use crate::agents::platforms::amazon_connect::aws::CallError;

/// A contact flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowDescription {
    /// Its name.
    pub name: String,
    /// Its type, such as `CONTACT_FLOW`: only those can begin a chat.
    pub kind: String,
    /// Whether it isn't archived.
    pub is_active: bool,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDescription {
    /// Its name.
    pub name: String,
    /// When it is open.
    pub hours_of_operation_id: Option<String>,
}

/// The instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceDescription {
    /// Its name in URLs, if it has one.
    pub alias: Option<String>,
    /// Its ARN.
    pub arn: String,
    /// Such as `ACTIVE`.
    pub status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FlowAnswer {
    contact_flow: Flow,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Flow {
    name: String,
    r#type: String,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueAnswer {
    queue: Queue,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Queue {
    name: String,
    hours_of_operation_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceAnswer {
    instance: Instance,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Instance {
    instance_alias: Option<String>,
    arn: String,
    instance_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HoursAnswer {
    hours_of_operation: Hours,
}

impl Connect {
    /// `DescribeContactFlow`.
    ///
    /// # Errors
    /// See [`CallError`]; `Gone` if there is no such flow, or it was never published.
    pub async fn describe_contact_flow(&self, id: &str) -> Result<FlowDescription, CallError> {
        let FlowAnswer { contact_flow: flow } = self
            .described(connect("DescribeContactFlow"), &path("/contact-flows", [&self.instance_id, id]))
            .await?;
        let is_active = flow.state.is_none_or(|state| state == "ACTIVE");
        Ok(FlowDescription { name: flow.name, kind: flow.r#type, is_active })
    }

    /// `DescribeQueue`.
    ///
    /// # Errors
    /// See [`CallError`]; `Gone` if there is no such queue.
    pub async fn describe_queue(&self, id: &str) -> Result<QueueDescription, CallError> {
        let QueueAnswer { queue } =
            self.described(connect("DescribeQueue"), &path("/queues", [&self.instance_id, id])).await?;
        Ok(QueueDescription { name: queue.name, hours_of_operation_id: queue.hours_of_operation_id })
    }

    /// `DescribeHoursOfOperation`: the weekly hours. Overrides, such as holidays, aren't among them.
    ///
    /// # Errors
    /// See [`CallError`]; `Gone` if there are no such hours.
    pub async fn describe_hours(&self, id: &str) -> Result<Hours, CallError> {
        let call = connect("DescribeHoursOfOperation");
        let answer = self.described(call, &path("/hours-of-operations", [&self.instance_id, id])).await?;
        let HoursAnswer { hours_of_operation } = answer;
        Ok(hours_of_operation)
    }

    /// `DescribeInstance`.
    ///
    /// # Errors
    /// See [`CallError`]; `Gone` if there is no such instance in the region.
    pub async fn describe_instance(&self) -> Result<InstanceDescription, CallError> {
        let InstanceAnswer { instance } =
            self.described(connect("DescribeInstance"), &path("/instance", [&self.instance_id])).await?;
        let Instance { instance_alias, arn, instance_status } = instance;
        Ok(InstanceDescription { alias: instance_alias, arn, status: instance_status })
    }

    async fn described<T: DeserializeOwned>(&self, operation: Operation, path: &str) -> Result<T, CallError> {
        let answer = self.call(operation, Method::GET, path, None).await?;
        read(operation, &answer)
    }
}
