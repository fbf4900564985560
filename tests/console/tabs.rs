//! Several tabs of one browser.

use thirtyfour::WindowHandle;

use crate::{
    desk::{Desk, row},
    relay::streams,
    support::relay::Relay,
};

impl Desk {
    pub async fn opens_another_tab(&self) -> WindowHandle {
        let tab = self.driver().new_tab().await.unwrap();
        self.switches_to(&tab).await;
        self.goes_to("/").await;
        tab
    }

    pub async fn switches_to(&self, tab: &WindowHandle) {
        self.driver().switch_to_window(tab.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn they_share_one_event_stream_and_outlive_its_reader() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let first = desk.driver().window().await.unwrap();
    assert_eq!(streams(&relay).await, 1);
    let second = desk.opens_another_tab().await;
    desk.is_signed_in("Alex").await;
    let third = desk.opens_another_tab().await;
    desk.is_signed_in("Alex").await;
    assert_eq!(streams(&relay).await, 1);

    let (_, one) = relay.hand_off().await;
    for tab in [&first, &second, &third] {
        desk.switches_to(tab).await;
        desk.sees(&row(&one)).await;
    }
    desk.switches_to(&first).await;
    desk.driver().close_window().await.unwrap();
    desk.switches_to(&second).await;
    let (_, other) = relay.hand_off().await;
    for tab in [&second, &third] {
        desk.switches_to(tab).await;
        desk.sees(&row(&other)).await;
    }
    desk.until("one stream", async || (streams(&relay).await == 1).then_some(())).await;

    // Who signs out is out in all tabs.
    desk.clicks("#account").await;
    desk.clicks("[data-action=sign-out]").await;
    desk.switches_to(&second).await;
    desk.sees("#sign-in").await;
    desk.until("no stream", async || (streams(&relay).await == 0).then_some(())).await;
    // And who signs in is in.
    desk.signs_in("Sam").await;
    desk.switches_to(&third).await;
    desk.is_signed_in("Sam").await;
    // The tab that read the stream may have tried once more before it heard of the sign-out.
    desk.closes_after(&["/api/events - Failed to load resource: the server responded with a status of 401"])
        .await;
}

#[tokio::test]
async fn who_is_away_in_one_is_away_in_all() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let first = desk.driver().window().await.unwrap();
    desk.opens_another_tab().await;
    desk.is_signed_in("Alex").await;
    desk.clicks("#duty[data-duty=on]").await;
    desk.sees("#duty[data-duty=away]").await;
    desk.switches_to(&first).await;
    desk.clicks("#duty[data-duty=away]").await;
    desk.sees("#duty[data-duty=on]").await;
    desk.closes().await;
}
