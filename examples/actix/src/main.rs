//! The live blog on actix-web: Live's routes under a prefix, and the page's own under everything else.

use std::{error::Error, net::TcpListener};

use actix_web::{
    App, HttpRequest, HttpResponse, rt,
    web::{self, Bytes, Data},
};
use anyhow::Context;
use live_actix::{Hub, bus};
use live_example_page::{Options, Page};

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    live_example_page::log_to_stderr();
    let options = Options::from_command_line();

    let config = options.config();
    let hub = Hub::new(bus::from_url(&options.bus_url(), &config)?, config)?;
    let page = Page::open(options.clone(), hub.clone()).await?;

    let listening = TcpListener::bind(options.listen);
    let listener = listening.with_context(|| format!("cannot listen on {}", options.listen))?;
    page.begin(listener.local_addr()?);
    rt::spawn(live_example_page::drain_on_signal(hub.clone()));

    // Each of actix's workers makes this once; hub and page are the same in all of them.
    let (readers, prefix) = (hub.clone(), options.prefix);
    let app = move || {
        App::new()
            .app_data(Data::new(page.clone()))
            .service(live_actix::scope(&prefix, readers.clone()))
            .default_service(web::to(answer))
    };
    live_actix::serve(listener, app, hub).await?;
    Ok(())
}

/// actix speaks the types of http 0.2, the page those of http 1.
async fn answer(page: Data<Page>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Box<dyn Error>> {
    let mut asked = http::Request::builder().method(request.method().as_str());
    for (name, value) in request.headers() {
        asked = asked.header(name.as_str(), value.as_bytes());
    }
    let (head, ()) = asked.body(())?.into_parts();
    let uri = request.uri();
    let answer = page.respond(&head.method, uri.path(), uri.query(), &head.headers, body).await;
    let mut answered = HttpResponse::build(answer.status().as_u16().try_into()?);
    for (name, value) in answer.headers() {
        answered.append_header((name.as_str(), value.as_bytes()));
    }
    Ok(answered.body(answer.into_body()))
}
