//! The dial: how unkind this Ada is. What it can't know is HTTP: `api` carries faults out, `deliver` sends
//! webhooks by its plan, `developer` shows it and takes it from outside.
//!
//! A new kind of trouble is a type here with its JSON, a field of [`Dial`] and a setter.

mod disorder;
mod echoes;
mod faults;
mod files;
mod json;
mod limits;
pub(crate) mod oddities;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub(crate) use self::disorder::Deliveries;
pub use self::disorder::Disorder;
pub use self::echoes::{EchoTiming, IdScheme};
pub use self::faults::Fault;
pub(crate) use self::faults::Faults;
pub use self::files::FileFault;
pub(crate) use self::files::FileFaults;
pub(crate) use self::limits::{Admission, Quota, Traffic};
pub use self::limits::{RateHeaders, RateLimits};
use crate::{Call, Sandbox};

/// Everything that stays until it is changed. The default is an Ada without trouble.
///
/// As JSON; a part that is left out has its default:
/// ```json
/// {
///   "disorder": { "delay_ms": { "min": 0, "max": 800 }, "duplicate_every": 3, "lose_every": null, "seed": 1 },
///   "echoes": { "timing": "late", "ms": 1500 },
///   "ids": "different",
///   "rate_limits": { "per_second": 10, "per_minute": 100, "headers": "full" },
///   "faults": { "send_message": { "kind": "stored_then_status", "status": 500 } },
///   "file_fault": { "kind": "slow", "bytes_per_second": 100000 },
///   "oddities": true
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dial {
    /// What happens to webhooks on their way.
    pub disorder: Disorder,
    /// When a human agent's message comes back as a webhook.
    pub echoes: EchoTiming,
    /// Whether a message has one id everywhere.
    pub ids: IdScheme,
    /// How many calls are answered; without limits all are.
    pub rate_limits: Option<RateLimits>,
    /// The faults of calls that always have one.
    pub faults: BTreeMap<Call, Fault>,
    /// What is wrong with every file that is fetched by its presigned URL.
    pub file_fault: Option<FileFault>,
    /// Webhooks and list items have fields with numbers that none can be, deep lists and half letters; some of
    /// the AI Agent's messages say nothing in lists.
    pub oddities: bool,
}

impl Sandbox {
    /// The dial as it stands.
    pub fn dial(&self) -> Dial {
        let state = self.0.lock();
        Dial {
            disorder: state.deliveries.disorder().clone(),
            echoes: state.echoes,
            ids: state.ids,
            rate_limits: state.traffic.limits(),
            faults: state.faults.always().clone(),
            file_fault: state.file_faults.always,
            oddities: state.oddities,
        }
    }

    /// Sets all of the dial. Faults that wait for their one call stay.
    pub fn set_dial(&self, dial: Dial) {
        {
            let mut state = self.0.lock();
            state.deliveries.follow(dial.disorder);
            state.echoes = dial.echoes;
            state.ids = dial.ids;
            state.traffic.limit(dial.rate_limits);
            state.faults.set_always(dial.faults);
            state.file_faults.always = dial.file_fault;
            state.oddities = dial.oddities;
        }
        self.0.changed();
    }

    /// Delays, repeats and loses the webhooks of what happens from now on.
    pub fn set_disorder(&self, disorder: Disorder) {
        self.0.lock().deliveries.follow(disorder);
        self.0.changed();
    }

    /// Sets when the echoes of a human agent's messages come.
    pub fn set_echoes(&self, timing: EchoTiming) {
        self.0.lock().echoes = timing;
        self.0.changed();
    }

    /// Sets how the messages from now on are named.
    pub fn set_ids(&self, scheme: IdScheme) {
        self.0.lock().ids = scheme;
        self.0.changed();
    }

    /// Limits how many calls are answered; counting begins anew.
    pub fn set_rate_limits(&self, limits: Option<RateLimits>) {
        self.0.lock().traffic.limit(limits);
        self.0.changed();
    }

    /// Queues a fault for the next call of that kind that comes with the key and within the rate limits.
    /// [`answer_next`](Self::answer_next) goes first.
    pub fn fault_next(&self, call: Call, fault: Fault) {
        self.0.lock().faults.next(call, fault);
    }

    /// Gives every call of a kind a fault, or none. Queued ones go first.
    pub fn fault_always(&self, call: Call, fault: Option<Fault>) {
        self.0.lock().faults.set(call, fault);
        self.0.changed();
    }

    /// Queues a fault for the next request with a presigned URL that is good.
    pub fn file_fault_next(&self, fault: FileFault) {
        self.0.lock().file_faults.next(fault);
    }

    /// Gives every such request a fault, or none. Queued ones go first.
    pub fn file_fault_always(&self, fault: Option<FileFault>) {
        self.0.lock().file_faults.always = fault;
        self.0.changed();
    }

    /// The most API calls with the key that arrived within `window`, wherever one lays it: of the last
    /// 100,000, answered or not.
    pub fn most_calls_in(&self, window: Duration) -> usize {
        self.0.lock().traffic.most_in(window)
    }

    /// Counts a call with the key as it arrives.
    pub(crate) fn arrive(&self) -> Admission {
        self.0.lock().traffic.arrive(Instant::now())
    }
}
