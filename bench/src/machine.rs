//! What else the machine did while something was measured.

use anyhow::{Context, Result};

use crate::child::{self, Usage};

/// More than this of the machine's time for others is worth a warning.
const OTHERS: f64 = 0.10;
/// More than this of its time that its host gave to others, too.
const STOLEN: f64 = 0.02;
/// So much of one core makes the generator the limit.
const GENERATOR: f64 = 0.90;

/// The machine's CPU time so far, in ticks, and this process's own use of it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    total: u64,
    /// By processes, without interrupts.
    busy: u64,
    stolen: u64,
    own: Usage,
}

impl Moment {
    /// As it is now.
    ///
    /// # Errors
    /// `/proc` is not what it should be.
    pub fn now() -> Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<u64> =
            line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let at = |place: usize| fields.get(place).copied().unwrap_or_default();
        Ok(Self {
            total: fields.iter().take(8).sum(),
            busy: at(0) + at(1) + at(2),
            stolen: at(7),
            own: child::usage("self")?,
        })
    }

    /// What makes the figures of the time since this moment doubtful. `server` is what the server has used in it, and
    /// `generator` which share of one core the generator has.
    ///
    /// # Errors
    /// `/proc` is not what it should be.
    pub fn warnings(&self, server: std::time::Duration, generator: f64) -> Result<Vec<String>> {
        let now = Self::now()?;
        let total = now.total.saturating_sub(self.total).max(1) as f64;
        let ours = (now.own.cpu.saturating_sub(self.own.cpu) + server).as_secs_f64() * 100.0;
        let others = ((now.busy.saturating_sub(self.busy)) as f64 - ours) / total;
        let stolen = now.stolen.saturating_sub(self.stolen) as f64 / total;
        let mut warnings = Vec::new();
        if others > OTHERS {
            warnings.push(format!("others used {:.0} % of the machine", others * 100.0));
        }
        if stolen > STOLEN {
            warnings.push(format!("the host withheld {:.0} % of the machine", stolen * 100.0));
        }
        if generator > GENERATOR {
            warnings.push(format!("the generator was the limit, with {:.0} % of a core", generator * 100.0));
        }
        Ok(warnings)
    }
}
