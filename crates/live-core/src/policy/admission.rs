//! For how long a reader is let in.

use std::time::Instant;

/// Put it into a request's extensions before [`respond_to`](crate::Hub::respond_to): the reader is closed at that moment, with a
/// code that lets it ask the site for a new admission. It takes the place of a token, where the channel asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The end: a token's expiry, for example.
    pub until: Instant,
}
