//! Appointments to collect and deliver, and the storage of what nobody collects.

english! { Appointments {
    slot_from = "From";
    slot_until = "Until";
    slot_site = "Site";
    slot_delivered_from = "Delivered from";

    slot_proposed_subject(goods) = "Appointment proposed: {goods}";
    slot_proposed_heading = "The seller proposes a time";
    slot_proposed_collection(goods) = "The seller proposes a time to collect {goods}. Please agree to it, or book another one.";
    slot_proposed_delivery(goods) = "The seller proposes a time to deliver {goods}. Please agree to it, or name another one.";

    slot_booked_collection(goods) = "Collection booked: {goods}";
    slot_booked_delivery(goods) = "Delivery booked: {goods}";
    slot_booked_heading = "An appointment is booked";
    slot_booked_collection_buyer(goods) = "You can collect {goods} then. Please bring the pass, which you get on the order's page: without it nothing is given out.";
    slot_booked_collection_seller(goods) = "The buyer collects {goods} then. Please give it out for the buyer's pass alone.";
    slot_booked_delivery_buyer(goods) = "The seller knows that you would like to get {goods} then.";
    slot_booked_delivery_seller(goods) = "The buyer would like to get {goods} then.";
    slot_booked_from_site_buyer(goods) = "The seller delivers {goods} then. Please make sure that somebody is there.";
    slot_booked_from_site_seller(goods) = "You deliver {goods} then. Please plan a vehicle for it.";

    slot_moved_collection(goods) = "Collection moved: {goods}";
    slot_moved_delivery(goods) = "Delivery moved: {goods}";
    slot_moved_heading = "An appointment has moved";
    slot_moved_buyer(goods) = "Your appointment about {goods} is at another time now.";
    slot_moved_seller(goods) = "The buyer has moved the appointment about {goods} to another time.";

    slot_cancelled_collection(goods) = "Collection cancelled: {goods}";
    slot_cancelled_delivery(goods) = "Delivery cancelled: {goods}";
    slot_cancelled_heading = "An appointment was cancelled";
    slot_cancelled_buyer(goods) = "The appointment about {goods} is off. You can make another one.";
    slot_cancelled_seller(goods) = "The appointment about {goods} is off. The buyer can make another one, and you can propose one.";

    slot_soon_collection(goods) = "Collection soon: {goods}";
    slot_soon_delivery(goods) = "Delivery soon: {goods}";
    slot_soon_heading = "An appointment is near";
    slot_soon_collection_buyer(goods) = "You can collect {goods} soon. Please bring the pass.";
    slot_soon_collection_seller(goods) = "The buyer collects {goods} soon.";
    slot_soon_delivery_buyer(goods) = "You would like to get {goods} soon. The seller is reminded of it, too.";
    slot_soon_delivery_seller(goods) = "The buyer would like to get {goods} soon.";
    slot_soon_from_site_buyer(goods) = "The seller delivers {goods} soon. Please make sure that somebody is there.";
    slot_soon_from_site_seller(goods) = "You deliver {goods} soon.";

    slot_missed_subject(goods) = "Not collected: {goods}";
    slot_missed_heading = "Nobody came";
    slot_missed_buyer(goods) = "Nobody came to collect {goods}. Please make another appointment.";
    slot_missed_seller(goods) = "Nobody came to collect {goods}. The buyer can make another appointment.";
    slot_missed_often(goods) = "Nobody came to collect {goods}, for the third time or more. You can give the money back and keep the goods.";

    storage_subject(goods) = "Storage: {goods}";
    storage_heading = "Storage costs something now";
    storage_buyer(goods, fee) = "Nobody has collected {goods} yet. From now on the seller charges {fee} for each day that begins. Nothing is given out before that is paid.";
    storage_seller(goods, fee) = "Nobody has collected {goods} yet. From now on the buyer owes you {fee} for each day that begins. Please say in the order when you have got it, or give it up: before that nothing is given out.";
    storage_per_day = "Each day";
} }
