//! Opening the file: that it is ours, that this process alone holds it, and what to do if not.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{super::BusError, schema};

/// Opens the file and prepares it with `prepare`, in one transaction that also takes the lock.
///
/// A lock that another process holds is waited for until `patience` is over. Each try is a new connection: two that wait for each
/// other's lock in exclusive mode would do so for ever, because neither gives its own back.
pub(super) fn open<T>(
    file: &Path,
    patience: Duration,
    prepare: impl Fn(&Connection, IsNew) -> Result<T, OpenError>,
) -> Result<(Connection, T), BusError> {
    let path = check_place(file).map_err(|reason| refuse(file, reason))?;
    let give_up_at = Instant::now() + patience;
    loop {
        match try_open(&path, &prepare) {
            Ok(opened) => return Ok(opened),
            Err(OpenError::Randomness(error)) => return Err(BusError::Randomness(error)),
            Err(error) if error.is_busy() && Instant::now() < give_up_at => thread::sleep(pause()),
            Err(error) => return Err(refuse(file, error.reason(&path))),
        }
    }
}

/// Whether the file was made just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsNew {
    Yes,
    No,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("another application's database")]
    Foreign,
    #[error("schema {schema}")]
    Newer { schema: i32 },
    #[error("read-only")]
    ReadOnly,
    #[error("journal mode {mode}")]
    NoWal { mode: String },
    #[error(transparent)]
    Randomness(#[from] getrandom::Error),
}

pub(super) fn refuse(file: &Path, reason: String) -> BusError {
    BusError::Open { url: format!("sqlite:{}", file.display()), reason }
}

/// What SQLite itself would explain badly. The path becomes absolute, so that SQLite takes none for a URI or a special name.
fn check_place(file: &Path) -> Result<PathBuf, String> {
    if file.as_os_str().is_empty() {
        return Err("name the file: sqlite:FILE".to_owned());
    }
    if file == Path::new(":memory:") {
        return Err("write memory: for a bus without a file".to_owned());
    }
    let path = std::path::absolute(file).map_err(|error| format!("the path is not usable ({error})"))?;
    if path.is_dir() {
        return Err(format!("{} is a folder; name a file in it", path.display()));
    }
    match path.parent() {
        Some(folder) if !folder.is_dir() => Err(format!("the folder {} does not exist; create it", folder.display())),
        _ => Ok(path),
    }
}

fn try_open<T>(
    path: &Path,
    prepare: impl Fn(&Connection, IsNew) -> Result<T, OpenError>,
) -> Result<(Connection, T), OpenError> {
    // One thread uses the connection, so SQLite needs no mutex of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    schema::lock(&connection)?;
    // Without the right to write SQLite opens the file all the same, for reading.
    if connection.is_readonly("main")? {
        return Err(OpenError::ReadOnly);
    }
    let is_new = if schema::recognise(&connection)? { IsNew::No } else { IsNew::Yes };
    schema::configure(&connection)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    if is_new == IsNew::Yes {
        schema::create(&connection)?;
    }
    let prepared = prepare(&connection, is_new)?;
    connection.execute_batch("COMMIT")?;
    Ok((connection, prepared))
}

impl OpenError {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    fn reason(&self, path: &Path) -> String {
        let file = path.display();
        let folder = path.parent().unwrap_or(path).display();
        match (self, self.code()) {
            (Self::Foreign, _) => format!("{file} is a database of another application; name another file"),
            (Self::Newer { schema }, _) => {
                let ours = schema::SCHEMA;
                format!(
                    "{file} was written by a newer version of Live (schema {schema}; this one knows up to {ours}); use that version"
                )
            }
            (Self::NoWal { mode }, _) => {
                format!("{folder} allows no write-ahead log (journal mode {mode}); put the file on a local disk")
            }
            (Self::ReadOnly, _) | (_, Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied)) => {
                format!("{file} is read-only; allow this process to write to it and to the folder {folder}")
            }
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
                format!("{file} is held by another process; stop that one, or give each process a file of its own")
            }
            (_, Some(ErrorCode::CannotOpen)) => {
                format!(
                    "{file}, or {file}-wal beside it, cannot be opened; allow this process to read and write them and to create files in {folder}"
                )
            }
            (_, Some(ErrorCode::NotADatabase)) => format!("{file} is not a SQLite database; name another file"),
            (_, Some(ErrorCode::DatabaseCorrupt)) => {
                format!("{file} is damaged ({self}); restore a backup, or move the file away to begin anew")
            }
            (_, Some(ErrorCode::DiskFull)) => format!("the disk of {folder} is full; make room"),
            _ => format!("{file} cannot be used ({self})"),
        }
    }
}

/// Between two tries: short against a process's end, and different in each process, so that two do not meet again.
fn pause() -> Duration {
    Duration::from_millis(10 + u64::from(getrandom::u32().unwrap_or_default() % 30))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        super::testing::{self, Folder, Time},
        *,
    };
    use crate::{bus::sqlite::writer::Writer, config::Config};

    fn reason(file: &Path) -> String {
        match Writer::open(file, &Time::new().config()) {
            Err(BusError::Open { url, reason }) => {
                assert_eq!(url, format!("sqlite:{}", file.display()));
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_reason(file: &Path, part: &str) {
        let reason = reason(file);
        assert!(reason.contains(part), "{reason}");
    }

    #[test]
    fn a_place_that_cannot_be_is_explained() {
        let folder = Folder::new();
        assert_reason(Path::new(""), "name the file: sqlite:FILE");
        assert_reason(Path::new(":memory:"), "write memory:");
        assert_reason(folder.file().parent().unwrap(), "is a folder; name a file in it");
        assert_reason(&folder.file().join("not/there.db"), "does not exist; create it");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let file = Folder::new();
        let text = "not a database. ".repeat(100);
        fs::write(file.file(), &text).unwrap();
        assert_reason(&file.file(), "is not a SQLite database; name another file");
        assert_eq!(fs::read_to_string(file.file()).unwrap(), text);
    }

    #[test]
    fn a_database_of_another_application_is_refused_and_left_alone() {
        let folder = Folder::new();
        let other = Connection::open(folder.file()).unwrap();
        other.execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)").unwrap();
        drop(other);
        let before = fs::read(folder.file()).unwrap();
        assert_reason(&folder.file(), "is a database of another application");
        assert_eq!(fs::read(folder.file()).unwrap(), before);
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let folder = Folder::new();
        testing::open(&folder.file()).close();
        let newer = Connection::open(folder.file()).unwrap();
        newer.pragma_update(None, "user_version", schema::SCHEMA + 1).unwrap();
        drop(newer);
        assert_reason(&folder.file(), "newer version of Live (schema 2; this one knows up to 1)");
    }

    #[test]
    fn a_damaged_file_is_an_error() {
        let folder = Folder::new();
        testing::open(&folder.file()).close();
        let mut bytes = fs::read(folder.file()).unwrap();
        bytes[100..8_192].fill(0xff);
        fs::write(folder.file(), bytes).unwrap();
        assert_reason(&folder.file(), "is damaged");
    }

    #[test]
    fn one_opener_holds_the_file_and_the_next_waits_for_it() {
        let folder = Folder::new();
        let first = testing::open(&folder.file());
        assert_reason(&folder.file(), "is held by another process; stop that one");
        let file = folder.file();
        let patient = thread::spawn(move || {
            Writer::open(&file, &Config { bus_deadline: Duration::from_secs(60), ..Time::new().config() })
        });
        first.close();
        patient.join().unwrap().unwrap();
    }

    #[test]
    fn of_many_who_open_a_new_file_at_once_each_gets_its_turn() {
        let folder = Folder::new();
        let file = folder.file();
        let open = || {
            let config = Config { bus_deadline: Duration::from_secs(60), ..Time::new().config() };
            Writer::open(&file, &config).unwrap().close();
        };
        thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(open))));
        assert_eq!(testing::open(&folder.file()).store.openings.present(), 9);
    }

    #[test]
    fn other_programs_cannot_write_to_an_open_bus() {
        let folder = Folder::new();
        let bus = testing::open(&folder.file());
        let other = Connection::open(folder.file()).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        assert!(other.execute("DELETE FROM pages", []).is_err());
        bus.close();
    }
}
