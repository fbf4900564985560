//! What this process has claimed of the outbox, so that it is renewed for as long as it lasts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::relay::id::{DeliveryId, HolderId};

/// What this process has claimed.
pub struct OpenClaims {
    /// Who this process is.
    pub holder: HolderId,
    /// By how many attempts: one that was overtaken may not be over yet.
    deliveries: Mutex<BTreeMap<DeliveryId, usize>>,
}

impl OpenClaims {
    /// Nothing yet.
    pub fn new(holder: HolderId) -> Self {
        Self { holder, deliveries: Mutex::default() }
    }

    /// What it holds.
    pub fn ids(&self) -> Vec<DeliveryId> {
        self.deliveries().keys().cloned().collect()
    }

    /// Whether it holds this one.
    pub fn contains(&self, id: &DeliveryId) -> bool {
        self.deliveries().contains_key(id)
    }

    fn deliveries(&self) -> MutexGuard<'_, BTreeMap<DeliveryId, usize>> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the claim on a delivery renewed until this is dropped.
    pub fn hold(self: &Arc<Self>, id: &DeliveryId) -> ClaimGuard {
        *self.deliveries().entry(id.clone()).or_default() += 1;
        ClaimGuard { held: Arc::clone(self), id: id.clone() }
    }
}

/// An attempt is under way.
pub struct ClaimGuard {
    held: Arc<OpenClaims>,
    id: DeliveryId,
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        let mut deliveries = self.held.deliveries();
        if let Some(count) = deliveries.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                deliveries.remove(&self.id);
            }
        }
    }
}
