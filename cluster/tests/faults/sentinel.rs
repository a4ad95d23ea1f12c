//! A redis-sentinel that watches a master under the name `site`.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use live_conformance::redis_server::{RedisServer, Reply};

use super::server::address;

/// Ends with this value.
pub(super) struct Sentinel {
    pub(super) address: SocketAddr,
    process: Child,
    file: PathBuf,
}

impl Sentinel {
    pub(super) async fn start(master: &RedisServer) -> Self {
        let sentinel = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = std::env::temp_dir().join(format!("live-sentinel-{}-{}.conf", std::process::id(), sentinel.port()));
        let configuration = format!(
            "port {}\nbind 127.0.0.1\nsentinel monitor site 127.0.0.1 {} 1\nsentinel down-after-milliseconds site 500\n\
             sentinel failover-timeout site 5000\n",
            sentinel.port(),
            master.port(),
        );
        std::fs::write(&file, configuration).unwrap();
        let process = Command::new("redis-sentinel")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-sentinel is not installed");
        Self { address: sentinel, process, file }
    }

    pub(super) async fn knows_a_replica(&self) {
        self.until(
            "a replica is known",
            &["replicas", "site"],
            |reply| matches!(reply, Reply::Many(replicas) if !replicas.is_empty()),
        )
        .await;
    }

    pub(super) async fn has_promoted(&self, replica: &RedisServer) {
        let port = address(replica).port().to_string().into_bytes();
        self.until(
            "the replica is the master",
            &["get-master-addr-by-name", "site"],
            |reply| matches!(reply, Reply::Many(address) if address.get(1) == Some(&Reply::Bytes(Some(port.clone())))),
        )
        .await;
    }

    async fn until(&self, what: &str, words: &[&str], is_so: impl Fn(&Reply) -> bool) {
        let words: Vec<_> = ["SENTINEL"].iter().chain(words).map(|word| word.as_bytes()).collect();
        let found = tokio::time::timeout(Duration::from_secs(60), async {
            loop {
                let client = RedisServer::client_of(self.address.port());
                if client.is_ok_and(|mut client| is_so(&client.command(&words))) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        found.await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}
