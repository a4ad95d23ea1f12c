//! A private redis-sentinel on a port of its own. Tests that need one fail where they cannot start it.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::redis_server::{RedisServer, Reply, free_port};

/// A redis-sentinel that watches one master under the name `site`. It ends with this value.
#[derive(Debug)]
pub struct RedisSentinel {
    address: SocketAddr,
    process: Child,
    file: PathBuf,
}

/// No wait is longer. A failover is more than one of the sentinel's own time-outs.
const DEADLINE: Duration = Duration::from_secs(60);

impl RedisSentinel {
    /// Starts a sentinel for this master.
    pub fn start(master: &RedisServer) -> Self {
        let (port, master) = (free_port(), master.port());
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
        Self { address: ([127, 0, 0, 1], port).into(), process, file }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has learnt from the master that there is a replica.
    pub async fn knows_a_replica(&self) {
        self.until(
            "a replica is known",
            &["replicas", "site"],
            |reply| matches!(reply, Reply::Many(replicas) if !replicas.is_empty()),
        )
        .await;
    }

    /// Waits until it says that this server is the master.
    pub async fn has_promoted(&self, replica: &RedisServer) {
        let port = replica.port().to_string().into_bytes();
        self.until(
            "the replica is the master",
            &["get-master-addr-by-name", "site"],
            |reply| matches!(reply, Reply::Many(address) if address.get(1) == Some(&Reply::Bytes(Some(port.clone())))),
        )
        .await;
    }

    async fn until(&self, what: &str, words: &[&str], is_so: impl Fn(&Reply) -> bool) {
        let words: Vec<_> = ["SENTINEL"].iter().chain(words).map(|word| word.as_bytes()).collect();
        let found = tokio::time::timeout(DEADLINE, async {
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

impl Drop for RedisSentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}
