//! The epochs of one file: each opening of it forks every page.
//!
//! A file may have lost its end, or be a copy of an older one, so whoever opens it begins a new epoch of every page. That is not
//! written page by page: an opening stores one random salt, and a page's epoch in it follows from the salt and the channel. So a
//! cursor that was handed out stays good across further openings, and reading a page writes nothing, even on a full disk.

use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::{load::number, open::OpenError, store::integer};
use crate::{cursor::Epoch, id::ChannelId, page::Page};

/// The openings that cursors may be from, oldest first; the present one is the last.
#[derive(Debug)]
pub(super) struct Openings {
    present: u64,
    known: Vec<Opening>,
}

#[derive(Debug)]
struct Opening {
    number: u64,
    salt: Salt,
}

type Salt = [u8; 16];

/// Beside the present one as many as a page has forks; a page written before them has forgotten its own epoch.
const FORMER: u64 = 16;

impl Openings {
    /// Adds an opening, within the transaction that opens the file.
    pub(super) fn begin(connection: &Connection) -> Result<Self, OpenError> {
        let mut salt = Salt::default();
        getrandom::fill(&mut salt)?;
        connection.execute("INSERT INTO openings (salt) VALUES (?1)", params![salt])?;
        let present = connection.last_insert_rowid();
        connection.execute("DELETE FROM openings WHERE number < ?1", params![present - integer(FORMER)])?;
        let mut rows = connection.prepare("SELECT number, salt FROM openings ORDER BY number")?;
        let known = rows.query_map([], |row| Ok(Opening { number: number(row, 0)?, salt: row.get(1)? }))?;
        Ok(Self { present: present.unsigned_abs(), known: known.collect::<rusqlite::Result<_>>()? })
    }

    /// The number of the present opening.
    pub(super) fn present(&self) -> u64 {
        self.present
    }

    /// Brings a page whose epoch is of the opening `written` to the present one.
    pub(super) fn fork(&self, page: &mut Page, channel: &ChannelId, written: u64) {
        for opening in self.known.iter().filter(|opening| opening.number > written) {
            page.fork(opening.epoch(channel));
        }
    }
}

impl Opening {
    fn epoch(&self, channel: &ChannelId) -> Epoch {
        let digest: [u8; 32] = Sha256::new().chain_update(self.salt).chain_update(channel.as_str()).finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Epoch::from_bits(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Folder, channel, open, post};
    use crate::{
        cursor::{Cursor, Version},
        page::Standing,
    };

    #[test]
    fn a_restart_forks_and_resumes_exactly() {
        let folder = Folder::new();
        let mut first = open(&folder.file());
        let one = first.publish_now("a", post("1", "one")).unwrap().cursor;
        let two = first.publish_now("a", post("2", "two")).unwrap().cursor;
        first.close();

        let mut second = open(&folder.file());
        let head = second.head("a");
        assert_ne!(head.epoch, two.epoch);
        assert_eq!(head.version, two.version);
        assert_eq!(second.standing("a", one), Standing::At(one.version));
        assert_eq!(second.standing("a", two), Standing::At(two.version));
        let lost = Cursor::new(two.epoch, Version::saturating(two.version.number() + 1));
        assert_eq!(second.standing("a", lost), Standing::Dead);
        let three = second.publish_now("a", post("3", "three")).unwrap().cursor;
        assert_eq!(three.epoch, head.epoch);
        assert_eq!(second.standing("a", Cursor::new(two.epoch, three.version)), Standing::Dead);
        assert_eq!(second.standing("a", two), Standing::At(two.version));
    }

    #[test]
    fn cursors_of_an_opening_that_published_nothing_live_on() {
        let folder = Folder::new();
        let mut life = open(&folder.file());
        let mut cursors = vec![life.publish_now("a", post("1", "one")).unwrap().cursor];
        for _ in 0..5 {
            life.close();
            life = open(&folder.file());
            cursors.push(life.head("a"));
        }
        life.publish_now("a", post("2", "two")).unwrap();
        life.close();
        let mut last = open(&folder.file());
        for cursor in cursors {
            assert_eq!(last.standing("a", cursor), Standing::At(cursor.version), "{cursor}");
        }
        let forks = last.subscribe_now("a").map(|_| last.cache.get(&channel("a")).unwrap().log.page.forks().count());
        assert_eq!(forks.unwrap(), 6);
    }

    #[test]
    fn the_last_sixteen_epochs_are_known_whether_they_published_or_not() {
        for publishes in [false, true] {
            let folder = Folder::new();
            let mut life = open(&folder.file());
            let mut cursors = vec![life.publish_now("a", post("0", "0")).unwrap().cursor];
            for number in 1..=17 {
                life.close();
                life = open(&folder.file());
                if publishes {
                    life.publish_now("a", post(&number.to_string(), "x")).unwrap();
                }
                cursors.push(life.head("a"));
            }
            assert_eq!(life.standing("a", cursors[0]), Standing::Dead, "{publishes}");
            for cursor in &cursors[1..] {
                assert_eq!(life.standing("a", *cursor), Standing::At(cursor.version), "{publishes} {cursor}");
            }
        }
    }

    #[test]
    fn a_page_without_a_log_has_the_same_cursor_in_every_opening() {
        let folder = Folder::new();
        let mut first = open(&folder.file());
        let before = first.head("a");
        assert_eq!(before.version, Version::ZERO);
        first.close();
        let mut second = open(&folder.file());
        assert_eq!(second.head("a"), before);
        second.publish_now("a", post("1", "one")).unwrap();
        assert_eq!(second.standing("a", before), Standing::At(Version::ZERO));
    }

    #[test]
    fn a_copy_of_the_file_forks_apart_from_it() {
        let (folder, other) = (Folder::new(), Folder::new());
        let mut life = open(&folder.file());
        life.publish_now("a", post("1", "one")).unwrap();
        life.close();
        std::fs::copy(folder.file(), other.file()).unwrap();
        let lost = open(&other.file()).publish_now("a", post("2", "two")).unwrap().cursor;
        let mut life = open(&folder.file());
        assert_eq!(life.standing("a", lost), Standing::Dead);
        life.publish_now("a", post("3", "three")).unwrap();
        assert_eq!(life.standing("a", lost), Standing::Dead);
    }
}
