//! What a case may change of the server's configuration.

use std::time::Duration;

use live_core::{Config, ForwardedHeader, Html, Origins, Publishing, TrustedProxies};
use serde::Deserialize;

use crate::server::quick;

/// What differs from the configuration that the whole suite starts from.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    max_publish_bytes: Option<usize>,
    max_post_bytes: Option<usize>,
    max_posts: Option<usize>,
    max_connections_per_address: Option<usize>,
    header_timeout_ms: Option<u64>,
    body_timeout_ms: Option<u64>,
    /// Who publishes needs this token.
    publish_token: Option<String>,
    origins: Option<Vec<String>>,
    trusted_proxies: Option<Proxies>,
    html: Option<WhatOfHtml>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxies {
    networks: Vec<String>,
    #[serde(default)]
    header: ProxyHeader,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ProxyHeader {
    #[default]
    XForwardedFor,
    Forwarded,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WhatOfHtml {
    Sanitize,
}

impl Settings {
    pub(super) fn config(&self) -> Config {
        let mut config = quick();
        let set = |field: &mut usize, value: Option<usize>| *field = value.unwrap_or(*field);
        set(&mut config.max_publish_bytes, self.max_publish_bytes);
        set(&mut config.page.max_post_bytes, self.max_post_bytes);
        set(&mut config.page.max_posts, self.max_posts);
        set(&mut config.max_connections_per_address, self.max_connections_per_address);
        let set = |field: &mut Duration, value: Option<u64>| *field = value.map_or(*field, Duration::from_millis);
        set(&mut config.header_timeout, self.header_timeout_ms);
        set(&mut config.body_timeout, self.body_timeout_ms);
        if let Some(token) = &self.publish_token {
            config.publishing = Publishing::token(token);
        }
        if let Some(origins) = &self.origins {
            config.origins = Origins::List(origins.clone());
        }
        if let Some(proxies) = &self.trusted_proxies {
            let header = match proxies.header {
                ProxyHeader::XForwardedFor => ForwardedHeader::XForwardedFor,
                ProxyHeader::Forwarded => ForwardedHeader::Forwarded,
            };
            let networks = proxies.networks.iter().map(String::as_str);
            config.trusted_proxies = TrustedProxies::new(networks).unwrap().header(header);
        }
        if let Some(WhatOfHtml::Sanitize) = self.html {
            config.html = Html::sanitize();
        }
        config
    }
}
