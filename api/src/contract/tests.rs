use super::*;

#[test]
fn the_closest_range_decides() {
    let json = ["application/json".to_owned()];
    let page = ["text/html".to_owned()];
    for (lines, produces, accepted) in [
        (&[][..], &json, true),
        (&["*/*"], &json, true),
        (&["application/json"], &json, true),
        (&["Application/JSON; charset=utf-8"], &json, true),
        (&["application/*"], &json, true),
        (&["text/html, application/xhtml+xml;q=0.9, */*;q=0.8"], &json, true),
        (&["text/html", "application/json;q=0.1"], &json, true),
        (&["text/html"], &json, false),
        (&["application/problem+json"], &json, false),
        (&["application/json;q=0, */*"], &json, false),
        (&["*/*;q=0"], &json, false),
        (&["nonsense"], &json, false),
        (&["application/json;q=x"], &json, false),
        (&["text/*"], &page, true),
    ] {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, line.parse().unwrap());
        }
        assert_eq!(accepts(&headers, produces), accepted, "{lines:?}");
        assert!(accepts(&headers, &[]), "{lines:?}");
    }
}
