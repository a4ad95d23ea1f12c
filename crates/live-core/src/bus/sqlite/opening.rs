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
