//! Where agents are, for the agents of other instances: told, and never looked for, as it is never stored. Behind a pooler
//! that passes nothing on, agents see who is there of their own instance alone.

use tokio::sync::broadcast::error::RecvError;

use super::{Shared, inbox_news};
use crate::relay::presence::Presence;

/// How many are told together.
const BATCH: usize = 256;

/// What one instance tells the others.
#[derive(Debug, PartialEq, Eq)]
pub struct PresenceNews {
    pub from: String,
    pub presence: Presence,
}

impl PresenceNews {
    fn text(from: &str, presence: &Presence) -> Option<String> {
        let text = format!("{from} @ {}", serde_json::to_string(presence).ok()?);
        (text.len() <= inbox_news::MAX_BYTES).then_some(text)
    }

    /// What such a text says.
    pub fn read(text: &str) -> Option<Self> {
        let (from, presence) = text.split_once(" @ ")?;
        Some(Self { from: from.to_owned(), presence: serde_json::from_str(presence).ok()? })
    }
}

impl Shared {
    /// Another instance has told something.
    pub fn take_presence(&self, news: PresenceNews) {
        if news.from != self.instance {
            self.signals.presence().hear(news.presence);
        }
    }
}

/// Tells the other instances, while agents have a stream open there.
pub async fn run(shared: &Shared) {
    let mut here = shared.signals.presence().here();
    loop {
        let first = match here.recv().await {
            Ok(presence) => presence,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let mut said = vec![first];
        while said.len() < BATCH
            && let Ok(presence) = here.try_recv()
        {
            said.push(presence);
        }
        if !shared.watched_elsewhere.is_so() {
            continue;
        }
        let news =
            said.iter().filter_map(|presence| PresenceNews::text(&shared.instance, presence)).collect();
        if let Err(error) = shared.notify(news).await {
            tracing::warn!(error = %error, "other instances are not told where agents are");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::relay::presence::Activity;

    #[test]
    fn news_are_read_as_they_were_told() {
        for (agent, activity) in [("Sam", Some(Activity::Writing)), ("a @ b + c\0", None)] {
            let presence = Presence { handoff: "h 1".into(), agent: agent.to_owned(), activity };
            let text = PresenceNews::text("instance", &presence).unwrap();
            assert!(!text.contains('\0'));
            assert_eq!(
                PresenceNews::read(&text),
                Some(PresenceNews { from: "instance".to_owned(), presence })
            );
            assert_eq!(inbox_news::InboxNews::read(&text), None, "not mistaken for other news");
        }
        assert_eq!(PresenceNews::read("instance + null"), None);
        let long = Presence { handoff: "h".into(), agent: "x".repeat(8_000), activity: None };
        assert_eq!(PresenceNews::text("instance", &long), None);
    }
}
