//! The newsroom's JSON: what the composer and `curl` write with.

use bytes::Bytes;
use http::{
    HeaderMap, Method, StatusCode,
    header::{HeaderValue, WWW_AUTHENTICATE},
};
use live_core::PostId;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    answer::{self, Answer},
    blog::{Blog, BlogError, Saved},
    post::{Draft, Which},
    text::tidy,
    token::Token,
};

/// A request below `/api/`.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    /// Without `/api/` and a slash at the end.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) async fn respond(blog: &Blog, token: &Token, request: Request<'_>) -> Answer {
    if !token.admits(request.headers) {
        let message = "send the token that the server printed at its start: Authorization: Bearer TOKEN";
        let mut answer = answer::error(StatusCode::UNAUTHORIZED, message);
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return answer;
    }
    if request.body.len() > MAX_BODY_BYTES {
        return answer::error(StatusCode::PAYLOAD_TOO_LARGE, &format!("a body has at most {MAX_BODY_BYTES} bytes"));
    }
    match route(blog, &request).await {
        Ok(answer) => answer,
        Err(Refusal::Method(allowed)) => answer::method_not_allowed(allowed),
        Err(Refusal::Because(status, reason)) => answer::error(status, &reason),
    }
}

/// Why a request is not carried out.
enum Refusal {
    /// Only these methods are.
    Method(&'static str),
    Because(StatusCode, String),
}

async fn route(blog: &Blog, request: &Request<'_>) -> Result<Answer, Refusal> {
    let segments: Vec<&str> = request.path.split('/').collect();
    let (id, act) = match segments[..] {
        ["posts"] => return all_posts(blog, request).await,
        ["posts", id] => (id, None),
        ["posts", id, act] => (id, Some(act)),
        _ => return Err(not_found("there is no such route")),
    };
    let id = &answer::decoded(id).ok_or_else(|| invalid("the id in the path is not UTF-8"))?;
    let allowed = if act.is_some() { "POST" } else { "PUT, DELETE" };
    let saved = match (act, request.method) {
        (None, &Method::PUT) => {
            let edit: EditJson = body(request)?;
            blog.edit(id, checked_text(&edit.text)?, checked_author(edit.author)?, edit.revision).await
        }
        (None, &Method::DELETE) => blog.delete(id).await,
        (Some("hide"), &Method::POST) => blog.hide(id).await,
        (Some("show"), &Method::POST) => blog.show(id).await,
        (Some("pin"), &Method::POST) => blog.pin(id).await,
        (Some("unpin"), &Method::POST) => blog.unpin(id).await,
        (Some("restore"), &Method::POST) => blog.restore(id).await,
        (Some("hide" | "show" | "pin" | "unpin" | "restore") | None, _) => {
            return Err(Refusal::Method(allowed));
        }
        (Some(_), _) => return Err(not_found("an act is hide, show, pin, unpin or restore")),
    };
    told(saved)
}

async fn all_posts(blog: &Blog, request: &Request<'_>) -> Result<Answer, Refusal> {
    match *request.method {
        ref method if answer::reads(method) => {
            let (posts, total) =
                blog.list(Which::Kept, limit(request.query)?).await.map_err(|error| refusal(error.into()))?;
            Ok(answer::json(StatusCode::OK, &json!({ "posts": posts, "total": total })))
        }
        Method::POST => {
            let new: NewJson = body(request)?;
            let id = new.id.map(PostId::new).transpose().map_err(|error| invalid(&error.to_string()))?;
            let author = checked_author(new.author)?.filter(|author| !author.is_empty());
            told(blog.post(Draft { id, text: checked_text(&new.text)?, author, vehicle: None, elapsed: None }).await)
        }
        _ => Err(Refusal::Method("GET, HEAD, POST")),
    }
}

#[derive(Deserialize)]
struct NewJson {
    text: String,
    author: Option<String>,
    /// Chosen by a sender that must be able to repeat itself after a lost answer.
    id: Option<String>,
}

#[derive(Deserialize)]
struct EditJson {
    text: String,
    /// Absent: keep it. Empty: none.
    author: Option<String>,
    /// The revision that the editor saw.
    revision: Option<u64>,
}

fn body<T: DeserializeOwned>(request: &Request<'_>) -> Result<T, Refusal> {
    serde_json::from_slice(&request.body)
        .map_err(|error| invalid(&format!("the body is not the JSON of a post: {error}")))
}

fn limit(query: Option<&str>) -> Result<Option<u32>, Refusal> {
    let value = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("limit=")));
    value.map(str::parse).transpose().map_err(|_| invalid("limit is a whole number"))
}

fn checked_text(text: &str) -> Result<String, Refusal> {
    let text = tidy(text);
    if text.is_empty() {
        return Err(invalid("the text is empty"));
    }
    if text.chars().count() > MAX_TEXT_CHARACTERS {
        return Err(invalid(&format!("the text is longer than {MAX_TEXT_CHARACTERS} characters")));
    }
    Ok(text)
}

fn checked_author(author: Option<String>) -> Result<Option<String>, Refusal> {
    let author = author.map(|author| tidy(&author).replace('\n', " "));
    if author.as_ref().is_some_and(|author| author.chars().count() > MAX_AUTHOR_CHARACTERS) {
        return Err(invalid(&format!("the author is longer than {MAX_AUTHOR_CHARACTERS} characters")));
    }
    Ok(author)
}

fn told(saved: Result<Saved, BlogError>) -> Result<Answer, Refusal> {
    let Saved { post, new, published } = saved.map_err(refusal)?;
    let status = match (published, new) {
        (false, _) => StatusCode::ACCEPTED,
        (true, true) => StatusCode::CREATED,
        (true, false) => StatusCode::OK,
    };
    Ok(answer::json(status, &json!({ "post": post, "published": published })))
}

fn refusal(error: BlogError) -> Refusal {
    let status = match &error {
        BlogError::NotFound(_) => StatusCode::NOT_FOUND,
        BlogError::ChangedMeanwhile | BlogError::IdTaken(_) => StatusCode::CONFLICT,
        BlogError::Refused(_) => StatusCode::BAD_GATEWAY,
        BlogError::Failed(cause) => {
            tracing::error!(error = format!("{cause:#}"), "a post could not be read or written");
            return Refusal::Because(
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer; try again".to_owned(),
            );
        }
    };
    Refusal::Because(status, error.to_string())
}

fn invalid(reason: &str) -> Refusal {
    Refusal::Because(StatusCode::BAD_REQUEST, reason.to_owned())
}

fn not_found(reason: &str) -> Refusal {
    Refusal::Because(StatusCode::NOT_FOUND, reason.to_owned())
}

/// A post's text as JSON, whatever is escaped in it.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Three pages of a book: more is an article, and belongs behind a link.
const MAX_TEXT_CHARACTERS: usize = 10_000;
const MAX_AUTHOR_CHARACTERS: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::test_support::Site;

    #[tokio::test]
    async fn mistakes_are_told_apart() {
        let site = Site::open().await;
        site.post("text", "one").await;
        for (method, path, body, status, message) in [
            (Method::POST, "/api/posts", "{}", 400, "missing field `text`"),
            (Method::POST, "/api/posts", r#"{"text": " "}"#, 400, "empty"),
            (Method::POST, "/api/posts", r#"{"text": "x", "id": "<"}"#, 400, "not allowed"),
            (Method::POST, "/api/posts", r#"{"text": "x", "id": "one"}"#, 409, "another post"),
            (Method::PATCH, "/api/posts", "", 405, "use GET"),
            (Method::PUT, "/api/posts/one", r#"{"text": "x", "revision": 1}"#, 409, "somebody else"),
            (Method::PUT, "/api/posts/two", r#"{"text": "x"}"#, 404, "no post"),
            (Method::DELETE, "/api/posts/two", "", 404, "no post"),
            (Method::GET, "/api/posts/one/hide", "", 405, "use POST"),
            (Method::POST, "/api/posts/one/explode", "", 404, "an act is"),
            (Method::GET, "/api/elsewhere", "", 404, "no such route"),
        ] {
            let (found, answer) = site.call(method.clone(), path, body).await;
            assert_eq!(found.as_u16(), status, "{method} {path} {body}: {answer}");
            assert!(answer["error"].as_str().is_some_and(|error| error.contains(message)), "{answer}");
        }
        let long = json!({ "text": "x".repeat(70_000) }).to_string();
        assert_eq!(site.call(Method::POST, "/api/posts", &long).await.0, StatusCode::PAYLOAD_TOO_LARGE);
        let long = json!({ "text": "x".repeat(10_001) }).to_string();
        assert_eq!(site.call(Method::POST, "/api/posts", &long).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(site.get("/api/posts").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(site.get("/nowhere").await.status(), StatusCode::NOT_FOUND);
        let post = site.page.respond(&Method::POST, "/", None, &HeaderMap::new(), Bytes::new()).await;
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn an_edit_keeps_the_author_unless_it_names_another_or_none() {
        let site = Site::open().await;
        site.call(Method::POST, "/api/posts", r#"{"id": "a", "text": "x", "author": " Jo\u0000 "}"#).await;
        for (body, author) in [
            (r#"{"text": "y"}"#, json!("Jo")),
            (r#"{"text": "y", "author": "Al"}"#, json!("Al")),
            (r#"{"text": "y", "author": ""}"#, Value::Null),
        ] {
            let (_, answer) = site.call(Method::PUT, "/api/posts/a", body).await;
            assert_eq!(answer["post"]["author"], author);
        }
    }
}
