//! Whose a handoff is: one agent's at a time. A history of it is linearizable if each call can be given a moment between its
//! beginning and its end, so that one after another they make sense. This is the search of Wing and Gong, with the memory of
//! Lowe: what was done already, in whichever order, and the owner then, is looked at once.

use std::collections::{BTreeMap, HashSet};

use super::{Kind, Operation};

/// The answer to a call that failed for another reason than whose the handoff is.
pub const UNAVAILABLE: &str = "unavailable";

/// Who has it; nobody, while it waits.
type Owner = Option<String>;

/// A call, and what it came to.
#[derive(Debug)]
struct Call<'a> {
    operation: &'a Operation,
    began: u64,
    ended: u64,
}

impl Call<'_> {
    /// Whose it is after the call, if the call can have come to this at this moment.
    fn after(&self, owner: &Owner) -> Vec<Owner> {
        let Operation { f, asked: agent, answer, kind, .. } = self.operation;
        let is_theirs = owner.as_ref() == Some(agent);
        // Who is told that the store is not there is told that nothing has happened.
        if *kind == Kind::Fail && answer == UNAVAILABLE {
            return vec![owner.clone()];
        }
        let (may, then) = match f.as_str() {
            "accept" => (owner.is_none() || is_theirs, Some(agent.clone())),
            "take over" => (true, Some(agent.clone())),
            "release" => (is_theirs, None),
            "read" => {
                let is_seen = owner.as_deref().unwrap_or_default() == answer;
                return if *kind != Kind::Ok || is_seen { vec![owner.clone()] } else { Vec::new() };
            }
            other => panic!("nobody can {other}"),
        };
        match kind {
            Kind::Ok if may => vec![then],
            Kind::Fail if !may => vec![owner.clone()],
            // It may have come to nothing.
            Kind::Info if may => vec![then, owner.clone()],
            Kind::Info => vec![owner.clone()],
            _ => Vec::new(),
        }
    }
}

/// How many calls make sense, of how many handoffs.
///
/// # Errors
/// The history of a handoff makes none: how far it does, and what could come next.
pub fn judge(operations: &[Operation]) -> Result<(usize, usize), String> {
    let mut handoffs: BTreeMap<&str, Vec<Call<'_>>> = BTreeMap::new();
    for operation in
        operations.iter().filter(|operation| operation.f != "enqueue" && operation.f != "dequeue")
    {
        let call = Call { operation, began: operation.began, ended: operation.ended.unwrap_or(u64::MAX) };
        handoffs.entry(&operation.key).or_default().push(call);
    }
    let mut judged = 0;
    for (handoff, mut calls) in handoffs.iter_mut().map(|(handoff, calls)| (handoff, std::mem::take(calls))) {
        calls.sort_by_key(|call| call.began);
        judged += calls.len();
        Search { calls: &calls, seen: HashSet::new(), farthest: (0, String::new()) }
            .run()
            .map_err(|why| format!("{handoff} is not linearizable: {why}"))?;
    }
    Ok((judged, handoffs.len()))
}

struct Search<'a> {
    calls: &'a [Call<'a>],
    seen: HashSet<(Vec<u64>, Owner)>,
    /// How many calls could be put in an order, and what stood next.
    farthest: (usize, String),
}

impl Search<'_> {
    fn run(mut self) -> Result<(), String> {
        // A stack of its own: histories are long.
        let mut open = vec![(vec![0_u64; self.calls.len().div_ceil(64)], None::<String>)];
        while let Some((done, owner)) = open.pop() {
            if !self.seen.insert((done.clone(), owner.clone())) {
                continue;
            }
            let is_done = |place: usize| done[place / 64] & (1 << (place % 64)) != 0;
            let left: Vec<usize> = (0..self.calls.len()).filter(|place| !is_done(*place)).collect();
            // What is never over need not have happened.
            let Some(first_end) =
                left.iter().map(|place| self.calls[*place].ended).min().filter(|end| *end != u64::MAX)
            else {
                return Ok(());
            };
            let next: Vec<usize> =
                left.iter().copied().filter(|place| self.calls[*place].began <= first_end).collect();
            let ordered = self.calls.len() - left.len();
            if ordered >= self.farthest.0 {
                let calls: Vec<&Operation> = next.iter().map(|place| self.calls[*place].operation).collect();
                self.farthest = (ordered, format!("{owner:?} has it, and next is one of {calls:#?}"));
            }
            for place in next {
                for then in self.calls[place].after(&owner) {
                    let mut done = done.clone();
                    done[place / 64] |= 1 << (place % 64);
                    open.push((done, then));
                }
            }
        }
        Err(format!("after {} calls {}", self.farthest.0, self.farthest.1))
    }
}
