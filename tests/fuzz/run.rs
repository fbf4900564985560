//! Gives inputs to a target: the corpus, then changed ones.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{corpus::Corpus, mutate::Mutator};

/// Beyond this many kinds of answer new ones are no more news.
const MAX_POOL: usize = 5_000;

/// Something that takes inputs.
pub struct Target {
    /// Its folder in the corpus.
    pub name: &'static str,
    /// How many changed inputs it takes in each run of the tests.
    pub count: usize,
    /// What its language is made of.
    pub words: &'static [&'static str],
}

impl Target {
    /// Gives `take` the corpus and changed inputs. It panics at a wrong one, and says of the others what came of
    /// them: whatever gave a new answer is changed further.
    pub fn fuzz(&self, mut take: impl FnMut(&[u8]) -> String) {
        let corpus = Corpus::of(self.name);
        let mut pool = corpus.inputs();
        let mut answers = HashSet::new();
        for input in &pool {
            answers.insert(self.give(&mut take, input, None));
        }
        let (seed, until) = plan();
        let mut mutator = Mutator::new(seed, self.words);
        let (began, mut taken) = (Instant::now(), 0);
        while until.map_or(taken < self.count, |time| began.elapsed() < time) {
            let input = mutator.change(&pool);
            let answer = self.give(&mut take, &input, Some(&corpus));
            if pool.len() < MAX_POOL && answers.insert(answer) {
                pool.push(input);
            }
            taken += 1;
        }
        let (kept, kinds, took) = (corpus.inputs().len(), answers.len(), began.elapsed());
        println!(
            "{}: seed {seed}, {kept} kept and {taken} changed inputs, {kinds} kinds of answer, {took:.1?}",
            self.name
        );
    }

    /// Gives one input, and keeps it in `corpus` if it fails.
    fn give(&self, take: &mut impl FnMut(&[u8]) -> String, input: &[u8], corpus: Option<&Corpus>) -> String {
        catch_unwind(AssertUnwindSafe(|| take(input))).unwrap_or_else(|panic| {
            println!("{} failed on {} bytes:\n{}", self.name, input.len(), input.escape_ascii());
            if let Some(corpus) = corpus {
                println!("kept as {}", corpus.keep(input).display());
            }
            resume_unwind(panic)
        })
    }
}

/// The seed, and for how long to go on: the same inputs each time unless `FUZZ_SECONDS` says otherwise.
fn plan() -> (u64, Option<Duration>) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let until = number("FUZZ_SECONDS").map(Duration::from_secs);
    let random = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = number("FUZZ_SEED").unwrap_or_else(|| if until.is_some() { random() } else { 1 });
    (seed, until)
}
