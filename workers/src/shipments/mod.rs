//! What is reported of shipments.

mod report_shipment;
#[cfg(test)]
mod tests;
