//! What HTTP itself adds to every operation, written into the document: conditional reads and changes, and rate limits.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Components, ContentBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required};

use crate::rate;

/// Reads whose tag stands for what people edit, not for all that is shown: it serves changes, and never gets 304.
const TAGGED_BY_SETTINGS: [&str; 2] = ["/v1/queues/{queue}", "/v1/schedules/{schedule}"];

/// Completes every operation.
pub(crate) fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if let Some(read) = &mut item.get {
            conditional_read(read, TAGGED_BY_SETTINGS.contains(&path.as_str()));
        }
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            conditional_change(operation);
            if !rate::is_free(path) {
                limited(operation);
            }
        }
    }
}

fn conditional_read(operation: &mut Operation, by_settings: bool) {
    let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") else { return };
    if !answer.content.contains_key("application/json") {
        return;
    }
    header(answer, "ETag", "The version of this representation");
    if by_settings {
        return;
    }
    let unchanged = ResponseBuilder::new().description("As the client has it already").build();
    operation.responses.responses.insert("304".to_owned(), RefOr::T(unchanged));
    let parameter = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `ETag` that the client has"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
    operation.parameters.get_or_insert_default().push(parameter.build());
}

fn conditional_change(operation: &mut Operation) {
    let takes_it = operation.parameters.iter().flatten().any(|parameter| parameter.name == "If-Match");
    if !takes_it {
        return;
    }
    let refusal = problem("`changed_meanwhile`: somebody has changed it; read it again");
    operation.responses.responses.entry("412".to_owned()).or_insert(RefOr::T(refusal));
    if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") {
        header(answer, "ETag", "The version that the change has made");
    }
}

fn limited(operation: &mut Operation) {
    let refusal = operation.responses.responses.entry("429".to_owned());
    let refusal = refusal.or_insert_with(|| RefOr::T(problem("`rate_limited`: this hour's requests are used up")));
    if let RefOr::T(refusal) = refusal {
        header(refusal, "Retry-After", "Seconds to wait");
    }
}

/// The headers that tell a caller's limit, and the components that describe them: thousands of answers have them, and a reference is short.
const LIMITS: [(&str, &str, &str); 2] = [
    ("RateLimit-Policy", "RateLimitPolicy", "The caller's limit, such as `\"user\";q=1000;w=3600`"),
    ("RateLimit", "RateLimit", "What is left of it, such as `\"user\";r=998;t=120`"),
];

/// Describes the headers that [`tell_limits`] refers to.
pub(crate) fn describe_limits(components: &mut Components) {
    for (_, component, description) in LIMITS {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(description)).build();
        components.schemas.insert(component.to_owned(), text.into());
    }
}

/// Says that every answer of an operation tells how many requests are left.
pub(crate) fn tell_limits(operation: &mut Operation) {
    for answer in operation.responses.responses.values_mut() {
        let RefOr::T(answer) = answer else { continue };
        for (name, component, _) in LIMITS {
            let header = HeaderBuilder::new().schema(Ref::from_schema_name(component)).build();
            answer.headers.insert(name.to_owned(), header);
        }
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

fn header(response: &mut Response, name: &str, description: &str) {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let header = HeaderBuilder::new().schema(text).description(Some(description)).build();
    response.headers.insert(name.to_owned(), header);
}
