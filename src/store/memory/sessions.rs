//! Who is signed in.

use super::state::State;
use crate::store::sessions::{SESSIONS_PER_TOKEN, Session, SessionChange};

impl State {
    pub fn change_sessions(&mut self, change: SessionChange) {
        match change {
            SessionChange::Begin(session) => self.begin_session(session),
            SessionChange::Used(id, at) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.used_at = session.used_at.max(at);
                }
            }
            SessionChange::End(id) => drop(self.sessions.remove(&id)),
            SessionChange::KeepOf(tokens) => {
                self.sessions.retain(|_, session| tokens.contains(&session.token));
            }
        }
    }

    fn begin_session(&mut self, session: Session) {
        let of_token = self.sessions.values().filter(|other| other.token == session.token);
        let mut others: Vec<Session> = of_token.cloned().collect();
        others.sort_by(|one, other| (other.used_at, &one.id).cmp(&(one.used_at, &other.id)));
        for gone in others.iter().skip(SESSIONS_PER_TOKEN - 1) {
            self.sessions.remove(&gone.id);
        }
        self.sessions.insert(session.id.clone(), session);
    }
}
