//! A master and its replica, watched by a sentinel.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use live_core::{
    BusError, EventBus,
    bus::{self, Event},
    page::Standing,
};

use super::{RedisServer, brisk, channel, in_time, next, page, post};

/// Ends with this value.
struct Sentinel {
    port: u16,
    process: Child,
    file: std::path::PathBuf,
}

impl Sentinel {
    fn start(master: u16) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = std::env::temp_dir().join(format!("live-sentinel-{}-{port}.conf", std::process::id()));
        let configuration = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor site 127.0.0.1 {master} 1\nsentinel down-after-milliseconds site 500\n\
             sentinel failover-timeout site 5000\n"
        );
        std::fs::write(&file, configuration).unwrap();
        let process = Command::new("redis-sentinel")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-sentinel is not installed");
        Self { port, process, file }
    }

    fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/site/0", self.port)
    }

    fn open(&self) -> Arc<dyn EventBus> {
        bus::from_url(&self.url(), &brisk()).unwrap()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, BusError>) -> T {
    in_time(what, async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_failover_to_an_older_replica_resets_those_who_saw_what_was_lost() {
    let mut master = RedisServer::start();
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
    let sentinel = Sentinel::start(master.port());
    let bus = sentinel.open();
    let blog = channel("blog");
    let kept = until("the first publish", async || bus.publish(&blog, post("1", "kept"), None).await).await;
    until("the replica has it", async || match replica.client().command(&[b"EXISTS", b"live:{blog}"]).number() {
        1 => Ok(()),
        _ => Err(BusError::Unavailable),
    })
    .await;
    // The sentinel learns of the replica from the master.
    until("the sentinel knows the replica", async || {
        let known = Command::new("redis-cli")
            .args(["-p", &sentinel.port.to_string(), "sentinel", "replicas", "site"])
            .output()
            .unwrap();
        if String::from_utf8_lossy(&known.stdout).contains("slave0")
            || String::from_utf8_lossy(&known.stdout).contains("runid")
        {
            Ok(())
        } else {
            Err(BusError::Unavailable)
        }
    })
    .await;
    let mut subscription = bus.subscribe(&blog).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Snapshot(_)));
    // From here on the replica hears nothing more, and cannot come back.
    let frozen = replica.freeze();
    assert_eq!(master.client().command(&[b"CLIENT", b"KILL", b"TYPE", b"replica"]).number(), 1);
    let lost = bus.publish(&blog, post("2", "lost"), None).await.unwrap();
    assert!(matches!(next(&mut subscription).await, Event::Item(_)));
    master.kill();
    drop(frozen);
    let after = until("a publish after the failover", async || bus.publish(&blog, post("3", "new"), None).await).await;
    in_time("the loss of continuity", async { while !matches!(next(&mut subscription).await, Event::Lost) {} }).await;
    let page = page(&*bus, &blog).await;
    assert_eq!(page.cursor(), after.cursor);
    assert_eq!(page.posts().map(|post| post.id.to_string()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(bus.standing(&blog, kept.cursor).await.unwrap(), Standing::At(kept.cursor.version));
    assert_eq!(bus.standing(&blog, lost.cursor).await.unwrap(), Standing::Dead);
}
