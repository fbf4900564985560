//! Time passes for sessions.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use super::*;
use crate::store::{
    MemoryStore, SqliteStore,
    sessions::{SESSION_IDLE, SESSION_MAX},
};

/// A clock that a test sets.
struct Clock(Mutex<Time>);

impl Clock {
    fn pass(&self, time: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = *now + time;
    }
}

impl Environment for Clock {
    fn now(&self) -> Time {
        *self.0.lock().unwrap()
    }

    fn new_id(&self) -> String {
        unreachable!("a session's id is the digest of its secret")
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

struct World {
    clock: Arc<Clock>,
    store: Arc<MemoryStore>,
    sign_in: Arc<SignIn>,
}

const ALEX: &str = "token-of-alex-0123456789";
const SAM: &str = "token-of-sam-0123456789";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const SECOND: Duration = Duration::from_secs(1);

impl World {
    fn new() -> Self {
        let clock = Arc::new(Clock(Mutex::new(Time::from_millis(1_790_000_000_000))));
        let store = Arc::new(MemoryStore::new(Time::default()));
        let sign_in = Self::process(&clock, &store, &[("Alex", ALEX), ("Sam", SAM)]);
        Self { clock, store, sign_in }
    }

    /// What a start of the relay makes of these settings.
    fn process(clock: &Arc<Clock>, store: &Arc<MemoryStore>, agents: &[(&str, &str)]) -> Arc<SignIn> {
        let agents = agents
            .iter()
            .map(|(name, token)| AgentToken { name: (*name).to_owned(), token: Secret::new(*token) })
            .map(|agent| Account::of_token(&agent, Role::Agent));
        let (store, clock) = (Arc::<MemoryStore>::clone(store), Arc::<Clock>::clone(clock));
        Arc::new(SignIn::new(
            store,
            clock,
            Tokens { agents: agents.collect(), ..Tokens::default() },
            Arc::default(),
            Arc::default(),
        ))
    }

    async fn begins(&self, token: &str) -> Secret {
        self.sign_in.begin(&Credential::Token(Secret::new(token)), PEER).await.unwrap().0
    }

    async fn visits(&self, secret: &Secret) -> Option<String> {
        self.sign_in.visit(secret.expose()).await.unwrap().map(|found| found.account.name.clone())
    }

    async fn kept(&self, secret: &Secret) -> Option<Session> {
        self.store.session(&Digest::of(secret.expose())).await.unwrap()
    }
}

#[tokio::test]
async fn a_session_nobody_uses_ends_after_twelve_hours() {
    let world = World::new();
    let secret = world.begins(ALEX).await;
    for _ in 0..5 {
        world.clock.pass(SESSION_IDLE - SECOND);
        assert_eq!(world.visits(&secret).await.as_deref(), Some("Alex"), "use makes it last");
    }
    world.clock.pass(SESSION_IDLE);
    assert_eq!(world.visits(&secret).await, None);
    assert_eq!(world.visits(&secret).await, None, "looking at what is over is no use of it");
}

#[tokio::test]
async fn a_session_in_use_ends_after_seven_days() {
    let world = World::new();
    let secret = world.begins(ALEX).await;
    for _ in 0..7 * 24 - 1 {
        world.clock.pass(Duration::from_hours(1));
        let found = world.sign_in.visit(secret.expose()).await.unwrap().unwrap();
        let left = found.ends_at.since(world.clock.now());
        assert!(left <= SESSION_IDLE && !left.is_zero(), "{left:?}");
    }
    world.clock.pass(Duration::from_hours(1));
    assert_eq!(world.visits(&secret).await, None);
    assert_eq!(SESSION_MAX, Duration::from_hours(168));
}

#[tokio::test]
async fn use_is_written_once_a_minute_and_no_secret_at_all() {
    let world = World::new();
    let secret = world.begins(ALEX).await;
    let began = world.kept(&secret).await.unwrap();
    let said = format!("{began:?}");
    assert!(!said.contains(secret.expose()) && !said.contains(ALEX), "{said}");
    assert_eq!(secret.expose().len(), 64, "256 bits");
    world.clock.pass(59 * SECOND);
    world.visits(&secret).await;
    assert_eq!(world.kept(&secret).await.unwrap(), began);
    world.clock.pass(SECOND);
    world.visits(&secret).await;
    assert_eq!(world.kept(&secret).await.unwrap().used_at, world.clock.now());
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_does_not_come_back_with_it() {
    let mut world = World::new();
    let (alexs, sams) = (world.begins(ALEX).await, world.begins(SAM).await);
    let both = [("Alex", ALEX), ("Samira", SAM)];
    world.sign_in = World::process(&world.clock, &world.store, &both[1..]);
    assert_eq!(world.visits(&alexs).await, None, "at once");
    assert_eq!(world.visits(&sams).await.as_deref(), Some("Samira"), "a name may change");
    world.sign_in.end_those_of_others().await.unwrap();
    world.sign_in = World::process(&world.clock, &world.store, &both);
    assert_eq!(world.visits(&alexs).await, None);
    // Another token of the same name is another one.
    let other = [("Samira", "another-token-0123456789")];
    world.sign_in = World::process(&world.clock, &world.store, &other);
    assert_eq!(world.visits(&sams).await, None);
}

#[tokio::test]
async fn a_code_signs_the_first_agent_in_once() {
    let world = World::new();
    let (agent, code) = world.sign_in.new_codes().await.unwrap().remove(0);
    assert_eq!((agent.as_str(), code.expose().len()), ("Alex", 64));
    let (secret, signed_in) = world.sign_in.begin(&Credential::Code(code.clone()), PEER).await.unwrap();
    assert_eq!(signed_in.account.name, "Alex");
    assert_ne!(secret.expose(), code.expose());
    assert_eq!(world.visits(&secret).await.as_deref(), Some("Alex"));
    let again = world.sign_in.begin(&Credential::Code(code), PEER).await;
    assert!(matches!(again, Err(NotSignedIn::UnknownCode)));
    // What proves a session proves nothing else, and the other way round.
    for proof in
        [Credential::Code(secret.clone()), Credential::Token(secret), Credential::Code(Secret::new(ALEX))]
    {
        assert!(world.sign_in.begin(&proof, PEER).await.is_err());
    }
    assert_eq!(world.visits(&Secret::new(ALEX)).await, None);
}

/// The real clock of the runtime stands still; it goes on when all wait.
#[tokio::test(start_paused = true)]
async fn who_waits_for_the_end_learns_of_it() {
    let world = World::new();
    let (one, other) = (world.begins(ALEX).await, world.begins(ALEX).await);
    let wait = |secret: &Secret| {
        let (sign_in, id) = (Arc::clone(&world.sign_in), Digest::of(secret.expose()));
        tokio::spawn(async move { sign_in.over(&id).await })
    };
    let (ended, unused) = (wait(&one), wait(&other));
    tokio::time::sleep(100 * SECOND).await;
    assert!(!ended.is_finished() && !unused.is_finished());
    world.sign_in.end(one.expose()).await.unwrap();
    ended.await.unwrap();
    tokio::time::sleep(100 * SECOND).await;
    assert!(!unused.is_finished(), "another's end is none of its business");
    world.clock.pass(SESSION_IDLE - SECOND);
    tokio::time::sleep(100 * SECOND).await;
    assert!(!unused.is_finished());
    world.clock.pass(SECOND);
    unused.await.unwrap();
    wait(&one).await.unwrap();
}

#[tokio::test]
async fn what_is_right_is_let_in_however_many_were_wrong() {
    let world = World::new();
    let (_, code) = world.sign_in.new_codes().await.unwrap().remove(0);
    for number in 0..100 {
        let guess = format!("guess {}", number % 7);
        let wrong = world.sign_in.bearer(&guess, PEER).await;
        assert!(matches!(wrong, Err(NotSignedIn::UnknownBearer | NotSignedIn::TooManyFailures(_))));
    }
    assert!(matches!(world.sign_in.bearer("another", PEER).await, Err(NotSignedIn::TooManyFailures(_))));
    assert_eq!(world.sign_in.bearer(SAM, PEER).await.unwrap().name, "Sam");
    world.begins(ALEX).await;
    world.sign_in.begin(&Credential::Code(code), PEER).await.unwrap();
}

#[tokio::test]
async fn a_session_lasts_on_a_store_that_can_only_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (store, writer) = SqliteStore::open(&folder.path().join("handoffs.db")).unwrap();
    let clock = Arc::new(Clock(Mutex::new(Time::from_millis(1_790_000_000_000))));
    let alex = AgentToken { name: "Alex".to_owned(), token: Secret::new(ALEX) };
    let environment: Arc<dyn Environment> = Arc::<Clock>::clone(&clock);
    let sign_in = SignIn::new(
        Arc::new(store),
        environment,
        Tokens { agents: vec![Account::of_token(&alex, Role::Agent)], ..Tokens::default() },
        Arc::default(),
        Arc::default(),
    );
    let token = Credential::Token(Secret::new(ALEX));
    let secret = tokio::select! {
        () = writer => unreachable!("it is needed"),
        begun = sign_in.begin(&token, PEER) => begun.unwrap().0,
    };
    clock.pass(NOTE_USE_AFTER);
    let found = sign_in.visit(secret.expose()).await.unwrap();
    assert_eq!(found.map(|found| found.account.name.clone()).as_deref(), Some("Alex"));
    assert!(sign_in.end(secret.expose()).await.is_err(), "nobody writes any more");
}
