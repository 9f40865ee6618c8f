//! A document of the own organisation.

use serde_json::json;
use shared::ids::OrgId;

use super::{TestMarket, id, send};

impl TestMarket {
    /// A licence of the own organisation, with its file.
    pub(super) async fn document(&self, org: OrgId) -> String {
        let announced = json!({"content_type": "application/pdf", "size": 5});
        let file = self.api.post(Some(&self.ann), &format!("/v1/orgs/{org}/document-uploads"), announced).await.ok();
        send(&file, b"%PDF-").await;
        let document = json!({"kind": "licence", "number": "4711", "issued_on": "2024-01-01", "expires_on": "2199-01-01",
            "upload": id(&file)});
        id(&self.api.post(Some(&self.ann), &format!("/v1/orgs/{org}/documents"), document).await.ok())
    }
}
