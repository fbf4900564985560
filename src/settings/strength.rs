//! Which secrets are none: those of the example, which everyone knows, and those that can be guessed.

/// What `.env.example` has in place of secrets.
const EXAMPLES: [&str; 5] = [
    "replace-with-your-api-key",
    "replace-with-your-secret",
    "replace-with-a-long-random-text",
    "replace-with-a-random-token",
    "replace-with-another-token",
];
/// How many bytes a secret of our own has at least, and how many different ones.
const LEAST: usize = 16;
const DIFFERENT: usize = 8;

/// Refuses the example's own value.
pub(super) fn not_the_example(secret: &[u8]) -> Result<(), String> {
    if EXAMPLES.iter().any(|example| example.as_bytes() == secret) {
        return Err("is the value of .env.example, which is public; set your own".to_owned());
    }
    Ok(())
}

/// Refuses the example's own value, and what is too short or too uniform. `unit` is what is counted.
pub(super) fn strong(secret: &[u8], unit: &str) -> Result<(), String> {
    not_the_example(secret)?;
    let mut seen = [false; 256];
    secret.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let different = seen.into_iter().filter(|seen| *seen).count();
    if secret.len() < LEAST || different < DIFFERENT {
        return Err(format!("must have at least {LEAST} {unit}, {DIFFERENT} of them different"));
    }
    Ok(())
}
