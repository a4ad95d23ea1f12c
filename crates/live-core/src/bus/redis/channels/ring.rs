//! Which of several hosts has what: the ring of channels_redis.

/// `_consistent_hash` of channels_redis.
pub(super) fn place(name: &str, hosts: usize) -> usize {
    // A number below 4096, so that it is exact.
    let point = f64::from(crc32(name.as_bytes()) & 0xfff);
    if hosts == 1 { 0 } else { (point / (4096.0 / hosts as f64)) as usize }
}

/// As zip, PNG and Python's `binascii` have it. Names are short, so it needs no table.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_place_that_channels_redis_gives_it() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        // As version 4.3.0 answers, for one to seven hosts.
        let expected = [
            ("liveblog_GOLD", [0, 1, 2, 5]),
            ("liveblog_a", [0, 1, 2, 6]),
            ("asgi__group__liveblog_GOLD", [0, 1, 2, 4]),
            ("specific.0123456789abcdef!", [0, 0, 0, 0]),
            ("liveblog_Ü", [0, 0, 0, 0]),
        ];
        for (name, places) in expected {
            assert_eq!([1, 2, 3, 7].map(|hosts| place(name, hosts)), places, "{name}");
        }
    }
}
