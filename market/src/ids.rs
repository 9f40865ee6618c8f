//! The ids of what the market deals with.

use shared::id;

id!(
    /// Names one category of the catalogue.
    CategoryId
);
id!(
    /// Names one item that an organisation holds.
    ItemId
);
id!(
    /// Names one model of a machine.
    ModelId
);
id!(
    /// Names one listing.
    ListingId
);
id!(
    /// Names one auction.
    AuctionId
);
id!(
    /// Names one bid.
    BidId
);
id!(
    /// Names one checkout.
    CheckoutId
);
id!(
    /// Names one order.
    OrderId
);
id!(
    /// Names one uploaded image.
    ImageId
);
id!(
    /// Names one report.
    ReportId
);
id!(
    /// Names one export.
    ExportId
);
id!(
    /// Names one subscription to a report.
    ReportSubscriptionId
);
id!(
    /// Names one login on one device.
    SessionId
);
id!(
    /// Names one enrolment of a second factor.
    EnrolmentId
);
id!(
    /// Names one invitation to an organisation.
    InvitationId
);
id!(
    /// Names one email.
    EmailId
);
id!(
    /// Names one region.
    RegionId
);
id!(
    /// Names one site of an organisation.
    SiteId
);
id!(
    /// Names the units kept for an auction or for a line of an order.
    ReservationId
);
id!(
    /// Names one transfer of stock between two sites.
    TransferId
);
id!(
    /// Names one attempt to pay a checkout.
    PaymentId
);
id!(
    /// Names one dispute about an order.
    DisputeId
);
id!(
    /// Names money on its way back to a buyer.
    RefundId
);
id!(
    /// Names units of an order that go back, or are to.
    ReturnId
);
id!(
    /// Names one strike against a buyer.
    StrikeId
);
id!(
    /// Names one offer of a lot to its next bidder.
    SecondChanceId
);
id!(
    /// Names a seller's account at a payment provider.
    PayoutAccountId
);
id!(
    /// Names money on its way to a seller's bank.
    PayoutId
);
id!(
    /// Names one search that a person keeps.
    SavedSearchId
);
id!(
    /// Names one question about a listing.
    InquiryId
);
id!(
    /// Names something that differs between a payment provider and here.
    DifferenceId
);
id!(
    /// Names an invoice or a credit note.
    InvoiceId
);
id!(
    /// Names one paper that somebody has asked for.
    PaperId
);
id!(
    /// Names one offer, with all terms that were proposed.
    OfferId
);
id!(
    /// Names one file that is applied row by row.
    ImportId
);
id!(
    /// Names one vehicle of an organisation.
    VehicleId
);
id!(
    /// Names a time in which a vehicle is in maintenance.
    MaintenanceId
);
id!(
    /// Names one carrier that reports about an organisation's shipments, and the address that it posts to.
    CarrierId
);
id!(
    /// Names one shipment among ourselves; others know it by its tracking number.
    ShipmentId
);
id!(
    /// Names one time at which goods of an order are given out or wanted.
    AppointmentId
);
id!(
    /// Names one key with which an organisation's own systems call the API.
    ApiKeyId
);
id!(
    /// Names one address that an organisation is sent webhooks at.
    EndpointId
);
id!(
    /// Names one event on its way to one endpoint; the `webhook-id` of every attempt.
    DeliveryId
);
id!(
    /// Names one conversation of two organisations.
    ConversationId
);
id!(
    /// Names one message as the program that sends it does.
    MessageClientId
);
id!(
    /// Names one report of an abusive message.
    ChatReportId
);
id!(
    /// Names what one side of an order says about the other.
    ReviewId
);
id!(
    /// Names one report of a review.
    ReviewReportId
);
id!(
    /// Names one notice; that of the mail which says the same.
    NoticeId
);
id!(
    /// Names one document of an organisation, such as a licence.
    DocumentId
);
id!(
    /// Names one subscription of an organisation to a plan.
    PlanSubscriptionId
);
id!(
    /// Names what an organisation owes for a term of a plan, or for the rest of one.
    PlanChargeId
);
id!(
    /// Names one sale event.
    SaleEventId
);
id!(
    /// Names the registration of one bidder in one sale event.
    RegistrationId
);
