//! The deliveries that this process has claimed. Their claims are renewed during the attempt.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::relay::id::{DeliveryId, HolderId};

/// The claims of this process.
pub struct OpenClaims {
    /// The id of this process.
    pub holder: HolderId,
    /// The number of attempts for each delivery: an overtaken attempt may still be running.
    deliveries: Mutex<BTreeMap<DeliveryId, usize>>,
}

impl OpenClaims {
    /// No claims.
    pub fn new(holder: HolderId) -> Self {
        Self { holder, deliveries: Mutex::default() }
    }

    /// The claimed deliveries.
    pub fn ids(&self) -> Vec<DeliveryId> {
        self.deliveries().keys().cloned().collect()
    }

    /// Whether this delivery is claimed.
    pub fn contains(&self, id: &DeliveryId) -> bool {
        self.deliveries().contains_key(id)
    }

    fn deliveries(&self) -> MutexGuard<'_, BTreeMap<DeliveryId, usize>> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The claim on a delivery is renewed until this value is dropped.
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
