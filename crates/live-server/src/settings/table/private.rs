//! The settings of private channels, and of PieSocket's protocol.

use super::Setting;
use crate::settings::{choices, secrets, value::Value};

const PRIVATE: &str = "Private channels";
const PIESOCKET: &str = "In PieSocket's place";

pub(super) static SETTINGS: &[Setting] = &[
    Setting::new(
        PRIVATE,
        "jwt-secret",
        Value::Secret {
            read: |settings, text| secrets::read(text).map(|secret| settings.jwt_secret = Some(secret)),
            is_set: |settings| settings.jwt_secret.is_some(),
        },
        "The secret that the site signs readers' tokens with (HS256), at least 32 bytes. Without a key every channel is open. Other \
         users see flags: prefer the variable or a file",
    )
    .form("SECRET")
    .everyday(),
    Setting::new(
        PRIVATE,
        "jwt-secret-file",
        Value::Other {
            read: |settings, text| choices::read_path(text).map(|file| settings.jwt_secret_file = Some(file)),
            show: |settings| choices::show_path(settings.jwt_secret_file.as_ref()),
        },
        "A file with the secret; two lines are two secrets, while one takes over from the other",
    )
    .form("FILE"),
    Setting::new(
        PRIVATE,
        "jwt-public-key-file",
        Value::Other {
            read: |settings, text| choices::read_path(text).map(|file| settings.jwt_public_key_file = Some(file)),
            show: |settings| choices::show_path(settings.jwt_public_key_file.as_ref()),
        },
        "A file with the Ed25519 public key, PEM, of a site that signs tokens with EdDSA",
    )
    .form("FILE"),
    Setting::new(
        PRIVATE,
        "private-channels",
        Value::Other {
            read: |settings, text| {
                choices::read_private_channels(text).map(|channels| settings.config.tokens.channels = channels)
            },
            show: |settings| choices::show_private_channels(&settings.config.tokens.channels),
        },
        "The channels that ask their readers for a token: those that begin with this, or all",
    )
    .form("PREFIX|all"),
    Setting::new(
        PRIVATE,
        "jwt-issuer",
        Value::Other {
            read: |settings, text| secrets::read(text).map(|issuer| settings.config.tokens.issuer = Some(issuer)),
            show: |settings| settings.config.tokens.issuer.clone().unwrap_or_default(),
        },
        "What tokens have to say in iss",
    )
    .form("TEXT"),
    Setting::new(
        PRIVATE,
        "jwt-audience",
        Value::Other {
            read: |settings, text| secrets::read(text).map(|audience| settings.config.tokens.audience = Some(audience)),
            show: |settings| settings.config.tokens.audience.clone().unwrap_or_default(),
        },
        "What tokens have to have in aud. Without it those that have an aud are refused",
    )
    .form("TEXT"),
    Setting::new(
        PRIVATE,
        "jwt-max-life",
        Value::Duration(|settings| &mut settings.config.tokens.max_life),
        "The longest that a token may still be good for; its exp has to say so",
    ),
    Setting::new(
        PRIVATE,
        "jwt-leeway",
        Value::Duration(|settings| &mut settings.config.tokens.leeway),
        "By how much the site's clock may differ",
    ),
    Setting::new(PRIVATE, "jwt-max-bytes", Value::Bytes(|settings| &mut settings.config.tokens.max_bytes), "Bytes of a token"),
    Setting::new(
        PIESOCKET,
        "piesocket-key",
        Value::Other {
            read: |settings, text| secrets::read(text).map(|key| settings.piesocket_key = Some(key)),
            show: |settings| settings.piesocket_key.clone().unwrap_or_default(),
        },
        "The API key that pages connect to /v3/{channel} with; without it PieSocket's routes do not exist",
    )
    .form("KEY")
    .everyday(),
    Setting::new(
        PIESOCKET,
        "piesocket-secret",
        Value::Secret {
            read: |settings, text| secrets::read(text).map(|secret| settings.piesocket_secret = Some(secret)),
            is_set: |settings| settings.piesocket_secret.is_some(),
        },
        "The secret that publishers send to /api/publish beside the key. Readers' tokens may be signed with it, if it has 32 bytes and \
         there is no jwt- key",
    )
    .form("SECRET")
    .everyday(),
    Setting::new(
        PIESOCKET,
        "piesocket-secret-file",
        Value::Other {
            read: |settings, text| choices::read_path(text).map(|file| settings.piesocket_secret_file = Some(file)),
            show: |settings| choices::show_path(settings.piesocket_secret_file.as_ref()),
        },
        "A file with the secret; two lines are two secrets, while one takes over from the other",
    )
    .form("FILE"),
];
