//! Agents learn when those of another system see nothing.

use crate::{
    desk::Desk,
    support::{
        platform::{Platform, Script},
        settles,
    },
};

#[tokio::test]
async fn a_platform_that_is_down_is_said() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.misses("#platforms").await;
    platform.answers(&[Script::Status(410)]);
    relay.hand_off().await;
    let is_disabled =
        async || relay.operator("GET", "/platforms").await.json()["data"][0]["state"] == "disabled";
    settles(&true, is_disabled).await;
    desk.reloads().await;
    desk.shows("#platforms", "The platform webhook has been disabled for").await;
    desk.closes().await;
}
