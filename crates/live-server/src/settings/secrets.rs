//! Secrets from a flag, a variable or a file, and what they make: the keys of readers' tokens, and the accounts of PieSocket's routes.

use std::{fs, path::PathBuf};

use live_axum::{PieSocketKeys, TokenKey, Tokens};

use super::{InForce, sources::Source};

/// Reads a secret.
pub(super) fn read(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// The account of PieSocket's routes: a key, and a secret or a few, while one takes over from the other.
pub(super) fn settle_piesocket(in_force: &mut InForce) -> Result<(), String> {
    let settings = &in_force.settings;
    let said = (settings.piesocket_secret.clone(), settings.piesocket_secret_file.clone());
    let secrets = secrets(in_force, ["piesocket-secret", "piesocket-secret-file"], said)?;
    let settings = &mut in_force.settings;
    let Some(key) = &settings.piesocket_key else {
        return match secrets.is_empty() {
            true => Ok(()),
            false => Err("piesocket-secret needs its piesocket-key".to_owned()),
        };
    };
    if secrets.is_empty() {
        return Err("piesocket-key needs its piesocket-secret".to_owned());
    }
    settings.config.piesocket = secrets.iter().fold(PieSocketKeys::off(), |keys, secret| keys.or(key, secret));
    // PieSocket's tokens are signed with the account's secret.
    settings.config.tokens.keys = secrets.iter().filter_map(|secret| TokenKey::hs256(secret).ok()).collect();
    if settings.config.tokens.keys.is_empty() && !has_key_of_its_own(in_force) {
        in_force.notes.push(
            "nobody can read private channels: piesocket-secret has less than 32 bytes, which is too short to sign tokens with"
                .to_owned(),
        );
    }
    Ok(())
}

fn has_key_of_its_own(in_force: &InForce) -> bool {
    ["jwt-secret", "jwt-secret-file", "jwt-public-key-file"].iter().any(|name| in_force.is_said(name))
}

/// The keys of readers' tokens; those that somebody chose take the place of the account's.
pub(super) fn settle_tokens(in_force: &mut InForce) -> Result<(), String> {
    let settings = &in_force.settings;
    let said = (settings.jwt_secret.clone(), settings.jwt_secret_file.clone());
    let public_key_file = settings.jwt_public_key_file.clone();
    let secrets = secrets(in_force, ["jwt-secret", "jwt-secret-file"], said)?;
    let keys = secrets.iter().map(|secret| TokenKey::hs256(secret).map_err(|error| format!("jwt-secret: {error}")));
    let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
    if let Some(file) = public_key_file {
        let pem = read_file(&file)?;
        keys.push(TokenKey::ed25519(&pem).map_err(|error| format!("{}: {error}", file.display()))?);
    }
    let tokens = &mut in_force.settings.config.tokens;
    if !keys.is_empty() {
        tokens.keys = keys;
    }
    // The default may have been said, too: `--check` prints it.
    if tokens.keys.is_empty() && tokens.channels != Tokens::default().channels {
        return Err("private-channels needs a key that tokens are signed with: give jwt-secret, jwt-secret-file or jwt-public-key-file".to_owned());
    }
    Ok(())
}

/// What was said with more weight: the secret, or the file with a few, each on a line.
fn secrets(
    in_force: &InForce,
    names: [&str; 2],
    said: (Option<String>, Option<PathBuf>),
) -> Result<Vec<String>, String> {
    let [source, file_source] = names.map(|name| in_force.source(name));
    let is_same = std::mem::discriminant(source) == std::mem::discriminant(file_source) && *source != Source::Default;
    if is_same {
        return Err(format!("{} and {} are both set ({source}, {file_source}); choose one", names[0], names[1]));
    }
    match said {
        (Some(secret), _) if source > file_source => Ok(vec![secret]),
        (_, Some(file)) => {
            let text = read_file(&file)?;
            let lines: Vec<_> =
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
            match lines.is_empty() {
                true => Err(format!("{} has no secret in it; write one on a line", file.display())),
                false => Ok(lines),
            }
        }
        _ => Ok(Vec::new()),
    }
}

fn read_file(file: &PathBuf) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
