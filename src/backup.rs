//! `handoff-relay backup`, `restore` and `verify`: copies of the database, and whether one is whole.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use handoff_relay::{
    files::{FileKey, Files},
    settings::{Database, FilesPlace, Settings},
    store::{self, Verification},
};

use crate::{WRONG_SETTINGS, complain, print, tell};

/// How often progress is shown.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Copies the database of the settings to `file`.
pub async fn backup(file: &Path) -> ExitCode {
    let (settings, database) = match places() {
        Ok(places) => places,
        Err(ended) => return ended,
    };
    tell(&format!("copying {}", database.display()));
    if let Err(error) = store::backup(&database, file) {
        return complain(&error.to_string(), 1);
    }
    let copied = file.metadata().map_or(0, |about| about.len());
    print(&format!("{} is a backup of {}: {}", file.display(), database.display(), bytes(copied)));
    match settings.files {
        FilesPlace::Memory => {}
        FilesPlace::Folder(folder) => print(&format!(
            "The files of conversations are not in it. They are in {}: copy that folder after each backup.",
            folder.display()
        )),
        FilesPlace::S3(bucket) | FilesPlace::Gcs(bucket) | FilesPlace::Azure(bucket) => print(&format!(
            "The files of conversations are not in it. They are in the bucket {}: turn on versioning for it.",
            bucket.name
        )),
    }
    ExitCode::SUCCESS
}

/// Puts the backup at `file` where the settings want the database.
pub async fn restore(file: &Path) -> ExitCode {
    let (_, database) = match places() {
        Ok(places) => places,
        Err(ended) => return ended,
    };
    let found = match look_through(file).await {
        Ok(found) => found,
        Err(ended) => return ended,
    };
    // The relay can live with other faults: a row that can't be read costs no other.
    if let (true, Some(fault)) = (found.is_damaged, found.faults.first()) {
        return complain(&format!("{} is damaged and was not restored: {fault}", file.display()), 1);
    }
    for fault in &found.faults {
        tell(&format!("note  {fault}"));
    }
    if let Err(error) = store::restore(file, &database) {
        return complain(&error.to_string(), 1);
    }
    print(&format!(
        "{} is restored from {}: {} handoffs with {} messages, {} waiting deliveries",
        database.display(),
        file.display(),
        found.handoffs,
        found.rows,
        found.deliveries
    ));
    print(
        "When the relay starts, it looks up each waiting message in Ada's list before it sends it, and reads what came \
         after the backup for handoffs that are open. Put the files of conversations back, too, and run `verify`.",
    );
    ExitCode::SUCCESS
}

/// Says whether the database of the settings, or another `file`, is whole; and whether its files are there.
pub async fn verify(file: Option<PathBuf>) -> ExitCode {
    let (settings, database) = match places() {
        Ok(places) => places,
        Err(ended) => return ended,
    };
    let database = file.unwrap_or(database);
    let mut found = match look_through(&database).await {
        Ok(found) => found,
        Err(ended) => return ended,
    };
    let absent = absent_files(&settings.files, &found).await;
    found.faults.extend(absent);
    for fault in &found.faults {
        print(&format!("FAIL  {fault}"));
    }
    let Verification { handoffs, rows, deliveries, files, faults, .. } = &found;
    let what = format!(
        "{}: {handoffs} handoffs, {rows} messages, {deliveries} waiting deliveries, {} files",
        database.display(),
        files.len()
    );
    if faults.is_empty() {
        print(&format!("ok    {what}"));
        return ExitCode::SUCCESS;
    }
    print(&format!("{what}; {} faults", faults.len()));
    ExitCode::FAILURE
}

/// The settings, and where the database is.
fn places() -> Result<(Settings, PathBuf), ExitCode> {
    let (settings, _) =
        Settings::from_process().map_err(|error| complain(&error.to_string(), WRONG_SETTINGS))?;
    match settings.database.clone() {
        Database::Sqlite(path) => Ok((settings, path)),
        Database::Postgres(_) => Err(complain(
            "DATABASE_URL names PostgreSQL: copy and check it with PostgreSQL's own tools, such as pg_dump",
            WRONG_SETTINGS,
        )),
        Database::Memory => {
            Err(complain("DATABASE_URL is memory:, so there is no database to copy or check", WRONG_SETTINGS))
        }
    }
}

async fn look_through(database: &Path) -> Result<Verification, ExitCode> {
    let (mut shown, shows) = (Instant::now(), std::io::stderr().is_terminal());
    let mut progress = |done: u64, all: u64| {
        if shows && shown.elapsed() >= SHOW_EVERY {
            shown = Instant::now();
            tell(&format!("{done} of {all} handoffs"));
        }
    };
    store::verify(database, &mut progress).map_err(|error| complain(&error.to_string(), 1))
}

/// What is said of files that rows have and their place hasn't.
async fn absent_files(place: &FilesPlace, found: &Verification) -> Vec<String> {
    if found.files.is_empty() {
        return Vec::new();
    }
    let files = match Files::open_to_read(place).await {
        Ok(files) => files,
        Err(error) => return vec![format!("the files can't be checked: {error}")],
    };
    let mut faults = Vec::new();
    for (handoff, row, size) in &found.files {
        match files.size(&FileKey::new(handoff.as_str(), row.as_str())).await {
            Ok(Some(there)) if there == *size => {}
            Ok(Some(there)) => faults.push(format!(
                "the file of row {row} of handoff {handoff} has {there} bytes, and should have {size}"
            )),
            Ok(None) => faults.push(format!("the file of row {row} of handoff {handoff} is missing")),
            Err(error) => return vec![format!("the files can't be checked: {error}")],
        }
    }
    faults
}

#[expect(clippy::cast_precision_loss, reason = "a figure for eyes")]
fn bytes(size: u64) -> String {
    if size < 1_000_000 {
        format!("{} kB", size.div_ceil(1_000))
    } else {
        format!("{:.1} MB", size as f64 / 1e6)
    }
}
