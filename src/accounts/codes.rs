//! Single-use codes, for links that a person opens at once. Where one process has the store, they exist only in its memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    relay::time::Time,
    store::{
        Store, StoreError,
        sessions::{Digest, SignInCode},
    },
};

/// The codes that nobody has used yet.
pub struct Codes {
    store: Arc<dyn Store>,
    /// Where no other relay can be shown them.
    own: Mutex<HashMap<Digest, SignInCode>>,
}

impl Codes {
    /// None yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, own: Mutex::default() }
    }

    fn own(&self) -> MutexGuard<'_, HashMap<Digest, SignInCode>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn add(&self, code: SignInCode) -> Result<(), StoreError> {
        if self.store.is_shared() {
            return self.store.put_code(code).await;
        }
        let mut own = self.own();
        own.retain(|_, known| known.is_good(code.made_at));
        own.insert(code.id.clone(), code);
        Ok(())
    }

    /// The token a code stands for, once.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take(&self, id: &Digest, now: Time) -> Result<Option<Digest>, StoreError> {
        let code =
            if self.store.is_shared() { self.store.take_code(id).await? } else { self.own().remove(id) };
        Ok(code.filter(|code| code.is_good(now)).map(|code| code.token))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::MemoryStore;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn codes() -> Codes {
        Codes::new(Arc::new(MemoryStore::new(at(0))))
    }

    async fn add(codes: &Codes, code: &str, now: i64) {
        let (id, token) = (Digest::of(code), Digest::of("alex"));
        codes.add(SignInCode { id, token, made_at: at(now) }).await.unwrap();
    }

    async fn take(codes: &Codes, code: &str, now: i64) -> bool {
        codes.take(&Digest::of(code), at(now)).await.unwrap() == Some(Digest::of("alex"))
    }

    #[tokio::test]
    async fn a_code_is_good_once_and_for_ten_minutes() {
        let codes = codes();
        for (code, asked, found) in [("at once", 0, true), ("late", 599, true), ("too late", 600, false)] {
            add(&codes, code, 0).await;
            assert_eq!(take(&codes, code, asked).await, found, "{code}");
            assert!(!take(&codes, code, asked).await, "{code}, again");
            assert!(!take(&codes, "another", asked).await);
        }
    }

    #[tokio::test]
    async fn codes_that_nobody_used_do_not_pile_up() {
        let codes = codes();
        for number in 0..100 {
            add(&codes, &number.to_string(), number * 300).await;
        }
        assert_eq!(codes.own().len(), 2);
    }
}
