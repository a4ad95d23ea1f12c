//! A connection to one Redis or to a cluster, used alike.

use std::{collections::HashMap, pin::Pin, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, ProtocolVersion, PushInfo, RedisError, RedisFuture, RedisResult,
    Value,
    aio::{ConnectionLike, MultiplexedConnection, SendError},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    sentinel::{SentinelClientBuilder, SentinelServerType},
};

use super::url::Servers;

#[derive(Clone)]
pub(super) enum Server {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Servers {
    /// Where they are, without secrets.
    pub(super) fn address(&self) -> String {
        let join = |infos: &[redis::ConnectionInfo]| {
            infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>().join(",")
        };
        match self {
            Self::One(info) => info.addr().to_string(),
            Self::Sentinel { sentinels, service } => format!("{service} of {}", join(sentinels)),
            Self::Cluster(nodes) => join(nodes),
        }
    }

    /// A new connection. `handle_push` is called where the pushes are read, in their order.
    pub(super) async fn connect(
        &self,
        deadline: Duration,
        handle_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Server> {
        let handle = move |push: PushInfo| {
            handle_push(push);
            Ok::<(), SendError>(())
        };
        if let Self::Cluster(nodes) = self {
            let client = ClusterClientBuilder::new(nodes.clone())
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(deadline)
                .response_timeout(deadline)
                // A caller may have given up by then, and publishes again with its key.
                .retries(CLUSTER_RETRIES)
                .push_sender(handle)
                .build()?;
            return client.get_async_connection().await.map(Server::Cluster);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(deadline))
            // Each caller has a deadline of its own.
            .set_response_timeout(None)
            .set_push_sender(handle);
        // In a box: with the handshake in it the future is large.
        let connecting: Pin<Box<dyn Future<Output = RedisResult<MultiplexedConnection>> + Send + '_>> =
            Box::pin(async move {
                match self {
                    Self::One(info) => {
                        Client::open(info.clone())?.get_multiplexed_async_connection_with_config(&config).await
                    }
                    Self::Sentinel { sentinels, service } => {
                        let mut client = master_of(sentinels, service)?;
                        client.get_async_connection_with_config(&config).await
                    }
                    // It is connected to above.
                    Self::Cluster(_) => Err(RedisError::from((redis::ErrorKind::InvalidClientConfig, "a cluster"))),
                }
            });
        connecting.await.map(Server::One)
    }
}

/// Redirections that the client follows while slots move.
const CLUSTER_RETRIES: u32 = 4;

/// Asks the sentinels anew each time: after a failover the answer is another.
fn master_of(sentinels: &[redis::ConnectionInfo], service: &str) -> RedisResult<redis::sentinel::SentinelClient> {
    let addresses = sentinels.iter().map(|info| info.addr().clone());
    let mut builder = SentinelClientBuilder::new(addresses, service, SentinelServerType::Master)?
        .set_client_to_redis_protocol(ProtocolVersion::RESP3);
    if let Some(info) = sentinels.first() {
        let settings = info.redis_settings();
        builder =
            builder.set_client_to_redis_db(settings.db()).set_client_to_redis_tcp_settings(info.tcp_settings().clone());
        if let Some(user) = settings.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. }) {
            let secure = redis::TlsMode::Secure;
            builder = builder.set_client_to_redis_tls_mode(secure).set_client_to_sentinel_tls_mode(secure);
        }
    }
    builder.build()
}

impl Server {
    /// Subscribes to channels, each named as a page: in a cluster over the nodes of its slot.
    pub(super) async fn subscribe(&mut self, pages: &[String]) -> RedisResult<()> {
        match self {
            Self::One(connection) => connection.subscribe(pages).await,
            Self::Cluster(connection) => {
                for page in pages {
                    connection.ssubscribe(page).await?;
                }
                Ok(())
            }
        }
    }

    pub(super) async fn unsubscribe(&mut self, pages: &[String]) -> RedisResult<()> {
        match self {
            Self::One(connection) => connection.unsubscribe(pages).await,
            Self::Cluster(connection) => {
                for page in pages {
                    connection.sunsubscribe(page).await?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// What `INFO` says, of every server of a cluster.
    pub(super) async fn info(&mut self) -> RedisResult<Vec<HashMap<String, String>>> {
        let mut texts = Vec::new();
        collect_texts(redis::cmd("INFO").query_async(self).await?, &mut texts);
        Ok(texts.iter().map(|text| parse_info(text)).collect())
    }
}

/// One text from one server, or a map of them from a cluster.
fn collect_texts(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::Map(pairs) => pairs.into_iter().for_each(|(_, value)| collect_texts(value, texts)),
        Value::Array(values) => values.into_iter().for_each(|value| collect_texts(value, texts)),
        Value::VerbatimString { text, .. } => texts.push(text),
        Value::BulkString(bytes) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
        _ => {}
    }
}

fn parse_info(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl ConnectionLike for Server {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(commands, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_cluster() { "Cluster" } else { "Server" })
    }
}
