//! Jepsen's total queue: everything that was enqueued is dequeued, in the end, once. Its words are Jepsen's
//! (`jepsen.checker/total-queue`). It is stricter in one thing: what failed has not happened, so it must not come out.

use std::{collections::BTreeMap, fmt};

use super::{Kind, Operation};

/// What a queue has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TotalQueue {
    /// How many were to be enqueued.
    pub attempted: usize,
    /// How many were, for sure.
    pub acknowledged: usize,
    /// How many of those that were to be enqueued came out.
    pub ok: usize,
    /// Acknowledged, and never came out.
    pub lost: Vec<String>,
    /// Came out more often than they went in.
    pub duplicated: Vec<String>,
    /// Came out though nobody knew that they had gone in.
    pub recovered: Vec<String>,
    /// Came out though they had never gone in.
    pub unexpected: Vec<String>,
}

impl TotalQueue {
    pub fn is_valid(&self) -> bool {
        self.lost.is_empty() && self.duplicated.is_empty() && self.unexpected.is_empty()
    }
}

impl fmt::Display for TotalQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempted, acknowledged, ok, lost, duplicated, recovered, unexpected } = self;
        let [lost, duplicated, recovered, unexpected] =
            [lost, duplicated, recovered, unexpected].map(Vec::len);
        write!(
            f,
            "{attempted} attempted, {acknowledged} acknowledged, {ok} ok, {lost} lost, {duplicated} duplicated, \
             {recovered} recovered, {unexpected} unexpected"
        )
    }
}

/// What can be said of the queue with this name.
pub fn judge(operations: &[Operation], queue: &str) -> TotalQueue {
    let mut told = TotalQueue::default();
    // How often each may come out, must, and did.
    let mut values: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for operation in operations.iter().filter(|operation| operation.key == queue) {
        match (operation.f.as_str(), operation.kind) {
            ("enqueue", kind) => {
                told.attempted += 1;
                let known = values.entry(&operation.asked).or_default();
                known[0] += usize::from(kind != Kind::Fail);
                known[1] += usize::from(kind == Kind::Ok);
                told.acknowledged += usize::from(kind == Kind::Ok);
            }
            ("dequeue", Kind::Ok) => values.entry(&operation.answer).or_default()[2] += 1,
            _ => {}
        }
    }
    for (value, [may, must, did]) in values {
        let put = |list: &mut Vec<String>, times: usize| {
            list.extend(std::iter::repeat_n(value.to_owned(), times));
        };
        told.ok += did.min(may);
        put(&mut told.lost, must.saturating_sub(did));
        put(&mut told.recovered, did.min(may).saturating_sub(must));
        if may == 0 {
            put(&mut told.unexpected, did);
        } else {
            put(&mut told.duplicated, did.saturating_sub(may));
        }
    }
    told
}
