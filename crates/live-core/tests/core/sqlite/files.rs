//! The file: which ones can be opened, by whom, and what is in them.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use live_core::{BusError, Config, Update, bus};

use super::{
    Folder, channel,
    child::{Child, Role},
    config, ids, open, page, post, publish,
};

#[tokio::test]
async fn a_url_names_the_file_in_two_spellings() {
    let folder = Folder::new();
    let file = folder.file();
    let first = bus::from_url(&format!("sqlite:{}", file.display()), &config()).unwrap();
    publish(&*first, "a", post("1", "one")).await;
    drop(first);
    let second = bus::from_url(&format!("sqlite://{}", file.display()), &config()).unwrap();
    assert_eq!(ids(&page(&*second, "a").await), ["1"]);
    for url in ["sqlite:", "sqlite://"] {
        let error = bus::from_url(url, &config()).unwrap_err();
        assert!(error.to_string().contains("name the file: sqlite:FILE"), "{error}");
    }
    let error = bus::from_url("sqlite", &config()).unwrap_err();
    assert!(error.to_string().contains("write memory:, sqlite:FILE, redis://HOST"), "{error}");
}

#[test]
fn a_second_process_waits_and_then_says_who_is_in_the_way() {
    let folder = Folder::new();
    let holder = Child::start(Role::Hold, &folder.file());
    holder.wait_for("open");
    let impatient = Config { bus_deadline: Duration::from_millis(100), ..Config::default() };
    let error = bus::from_url(&format!("sqlite:{}", folder.file().display()), &impatient).unwrap_err();
    let message = format!("{} is held by another process; stop that one", folder.file().display());
    assert!(matches!(error, BusError::Open { .. }));
    assert!(error.to_string().contains(&message), "{error}");
}

#[test]
fn a_second_process_has_the_file_as_soon_as_the_first_ends() {
    for end in [Child::finish as fn(Child), Child::kill] {
        let folder = Folder::new();
        let holder = Child::start(Role::Hold, &folder.file());
        holder.wait_for("open");
        let second = Child::start(Role::Hold, &folder.file());
        second.wait_for("opening");
        end(holder);
        second.wait_for("open");
    }
}

#[test]
fn a_read_only_file_and_folder_are_explained() {
    let folder = Folder::new();
    drop(open(&folder.file()));
    let allow = |mode| fs::set_permissions(folder.file(), Permissions::from_mode(mode)).unwrap();
    let refused = |part: &str| {
        let opener = Child::start_unprivileged(Role::Hold, &folder.file());
        let line = opener.wait_for("refused");
        assert!(line.contains(part), "{line}");
    };
    fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
    allow(0o444);
    assert_eq!(OpenOptions::new().write(true).open(folder.file()).is_ok(), Child::is_privileged());
    refused("is read-only; allow this process to write");
    allow(0o000);
    refused("cannot be opened; allow this process to read and write");
    allow(0o666);
    fs::set_permissions(&folder.0, Permissions::from_mode(0o555)).unwrap();
    refused(&format!("to the folder {}", folder.0.display()));
    fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn hidden_content_never_reaches_the_file() {
    let folder = Folder::new();
    let bus = open(&folder.file());
    let json = br#"{"renders": {"1": {"show": false, "content": "<p>top-secret</p>"}, "2": {"content": "<p data-post-id=\"2\">plain</p>"}}}"#;
    publish(&bus, "a", Update::from_json(json).unwrap()).await;
    assert_eq!(page(&bus, "a").await.post("1").unwrap().html(), None);
    let bytes = [fs::read(folder.file()).unwrap(), fs::read(folder.file().with_extension("db-wal")).unwrap()].concat();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("plain"));
    assert!(!has("top-secret"));
    drop(bus);
    let bytes = fs::read(folder.file()).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("plain"));
    assert!(!has("top-secret"));
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "a closed bus is one file");
}

#[tokio::test]
async fn a_file_of_which_a_part_is_overwritten_fails_without_a_panic() {
    let folder = Folder::new();
    let bus = open(&folder.file());
    for number in 0..200 {
        publish(&bus, "a", post(&number.to_string(), &"x".repeat(500))).await;
    }
    drop(bus);
    let whole = fs::read(folder.file()).unwrap();
    let mut failed = 0;
    // Past the first page, so that it is recognised as ours; each part of the file in turn.
    for start in (4_096..whole.len()).step_by(4_096) {
        let mut bytes = whole.clone();
        bytes[start..start + 4_096].fill(0x5a);
        fs::write(folder.file(), bytes).unwrap();
        let Ok(bus) = bus::from_url(&format!("sqlite:{}", folder.file().display()), &config()) else { continue };
        let outcomes = [
            bus.subscribe(&channel("a")).await.map(drop),
            bus.publish(&channel("a"), post("7", "new"), None).await.map(drop),
            bus.heads(&[channel("a")]).await.map(drop),
        ];
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(error, BusError::Store(_)), "{error:?}");
            failed += 1;
        }
    }
    assert!(failed > 0, "no damage was noticed");
}
