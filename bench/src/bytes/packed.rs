//! What compression makes of frames.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};

/// Bytes of all frames of a replay together.
pub(super) struct Packed {
    pub(super) plain: u64,
    /// Each by itself, as the body of an answer.
    pub(super) gzip: u64,
    /// Each by itself, in a stream: what can be made once and sent to every reader.
    pub(super) deflate: u64,
    /// Each with what the reader got before it, which needs a compressor for every reader.
    pub(super) stream: u64,
}

pub(super) fn of(frames: &[Vec<u8>]) -> Packed {
    let mut packed = Packed { plain: 0, gzip: 0, deflate: 0, stream: 0 };
    let (mut alone, mut stream) = (compressor(), compressor());
    for frame in frames {
        packed.plain += frame.len() as u64;
        // An answer that would be longer stays as it is.
        packed.gzip += (gzip(frame).len() + GZIP_HEADERS).min(frame.len()) as u64;
        packed.deflate += deflate(&mut alone, frame, FlushCompress::Full);
        packed.stream += deflate(&mut stream, frame, FlushCompress::Sync);
    }
    packed
}

/// What an answer says about it.
const GZIP_HEADERS: usize = "content-encoding: gzip\r\nvary: accept-encoding\r\n".len();

fn gzip(frame: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(frame);
    encoder.finish().unwrap_or_default()
}

fn compressor() -> Compress {
    Compress::new(Compression::fast(), false)
}

fn deflate(compress: &mut Compress, frame: &[u8], flush: FlushCompress) -> u64 {
    let before = compress.total_out();
    let mut output = Vec::with_capacity(2 * frame.len() + 64);
    // There is room for all of it.
    let _ = compress.compress_vec(frame, &mut output, flush);
    compress.total_out() - before
}

/// The frame of the middle length.
pub(super) fn median(frames: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut frames: Vec<&Vec<u8>> = frames.iter().collect();
    frames.sort_by_key(|frame| frame.len());
    frames.get(frames.len() / 2).map(|frame| frame.to_vec())
}

/// The size after gzip, and the time that it took, the best of ten.
pub(super) fn timed(frame: &[u8]) -> (usize, Duration) {
    let times = (0..10).map(|_| {
        let began = Instant::now();
        let size = gzip(frame).len();
        (size, began.elapsed())
    });
    times.min_by_key(|(_, time)| *time).unwrap_or_default()
}
