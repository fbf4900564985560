//! How rare the trigrams of a text are. The index reads all entries of each trigram that it is asked for, so it is asked for
//! rare ones only. How rare they are, the newest entries say.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    connection::Connection,
    query::{all, values},
};
use crate::store::{StoreError, search::SHORTEST_IN_INDEX};

/// The index is asked for so many trigrams.
const ASKED_FOR: usize = 3;
/// So many trigrams of a text are looked at.
const LOOKED_AT: usize = 20;
/// So many of the newest entries are looked at, and so many characters of each.
const ENTRIES: usize = 500;
const CHARACTERS: usize = 1_000;
/// A trigram is rare if fewer than one of so many entries have it.
const RARE: usize = 50;
/// So long a sample is used.
const FRESH: Duration = Duration::from_mins(1);

/// The last sample.
#[derive(Default)]
pub struct Samples(Mutex<Option<(Instant, Arc<Sample>)>>);

/// Some of the newest texts.
pub struct Sample {
    texts: Vec<String>,
    /// Whether the database takes more than ASCII for letters: of those alone it makes trigrams.
    knows_letters: bool,
}

impl Samples {
    /// A sample that is fresh.
    ///
    /// # Errors
    /// The database can't be read.
    pub async fn get(&self, client: &Connection) -> Result<Arc<Sample>, StoreError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, sample)) = kept.filter(|(taken, _)| taken.elapsed() < FRESH) {
            return Ok(sample);
        }
        let sample = Arc::new(Sample::take(client).await?);
        let taken = Some((Instant::now(), Arc::clone(&sample)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        Ok(sample)
    }
}

impl Sample {
    async fn take(client: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT left(text, $1::bigint::integer), 'ж' ~ '[[:alnum:]]' FROM search_texts \
                   ORDER BY position DESC, seq DESC LIMIT $2";
        let rows = all(client, sql, values![CHARACTERS, ENTRIES]).await?;
        let knows_letters = rows.first().map_or(Ok(false), |row| row.try_get(1))?;
        let texts = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Self { texts, knows_letters })
    }

    /// The rarest trigrams of a text, [`ASKED_FOR`] at most; none if all are common.
    pub fn rare_trigrams(&self, wanted: &str) -> Vec<String> {
        let mut known: Vec<(usize, String)> =
            self.trigrams(wanted).into_iter().map(|trigram| (self.having(&trigram), trigram)).collect();
        known.retain(|(having, _)| having * RARE < self.texts.len());
        known.sort();
        known.truncate(ASKED_FOR);
        known.into_iter().map(|(_, trigram)| trigram).collect()
    }

    /// Those that lie in one word: the database makes others of what is at the edge of a word.
    fn trigrams(&self, wanted: &str) -> BTreeSet<String> {
        let is_letter = |c: &char| c.is_ascii_alphanumeric() || (self.knows_letters && c.is_alphanumeric());
        let characters: Vec<char> = wanted.chars().collect();
        let in_a_word = characters.windows(SHORTEST_IN_INDEX).filter(|three| three.iter().all(is_letter));
        in_a_word.take(LOOKED_AT).map(|three| three.iter().collect()).collect()
    }

    /// How many entries have it.
    fn having(&self, trigram: &str) -> usize {
        self.texts.iter().filter(|text| text.contains(trigram)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_by_the_rarest_of_its_trigrams() {
        // "104" is in one of 20 entries, "042" in one of 200.
        let texts =
            (0..200).map(|n| format!("my order {} of {}", n % 100, if n < 50 { n + 1_000 } else { 0 }));
        let mut sample = Sample { texts: texts.collect(), knows_letters: true };
        for (wanted, rare) in [
            ("my order", vec![]),
            ("order 1042", vec!["042"]),
            ("order-nowhere", vec!["ere", "her", "now"]),
            ("99", vec![]),
            ("my 9 of", vec![]),
            ("%_\\", vec![]),
            ("жук", vec!["жук"]),
        ] {
            assert_eq!(sample.rare_trigrams(wanted), rare, "{wanted}");
        }
        sample.knows_letters = false;
        assert!(sample.rare_trigrams("жук").is_empty());
        sample.texts.clear();
        assert!(sample.rare_trigrams("nowhere").is_empty(), "nothing is known");
    }
}
