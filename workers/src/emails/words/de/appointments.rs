//! Appointments to collect and deliver, and the storage of what nobody collects.

translated! { German says Appointments {
    slot_from = "Von";
    slot_until = "Bis";
    slot_site = "Standort";
    slot_delivered_from = "Lieferung ab";

    slot_proposed_subject(goods) = "Terminvorschlag: {goods}";
    slot_proposed_heading = "Der Verkäufer schlägt einen Termin vor";
    slot_proposed_collection(goods) = "Der Verkäufer schlägt einen Termin vor, an dem Sie {goods} abholen können. Bitte stimmen Sie zu oder buchen Sie einen anderen.";
    slot_proposed_delivery(goods) = "Der Verkäufer schlägt einen Termin vor, an dem er {goods} liefert. Bitte stimmen Sie zu oder nennen Sie einen anderen.";

    slot_booked_collection(goods) = "Abholung gebucht: {goods}";
    slot_booked_delivery(goods) = "Lieferung gebucht: {goods}";
    slot_booked_heading = "Ein Termin ist gebucht";
    slot_booked_collection_buyer(goods) = "Dann können Sie {goods} abholen. Bitte bringen Sie den Abholschein mit, den Sie auf der Seite der Bestellung erhalten: Ohne ihn wird nichts herausgegeben.";
    slot_booked_collection_seller(goods) = "Dann holt der Käufer {goods} ab. Bitte geben Sie die Ware nur gegen den Abholschein des Käufers heraus.";
    slot_booked_delivery_buyer(goods) = "Der Verkäufer weiß, dass Sie {goods} dann erhalten möchten.";
    slot_booked_delivery_seller(goods) = "Der Käufer möchte {goods} dann erhalten.";
    slot_booked_from_site_buyer(goods) = "Dann liefert der Verkäufer {goods}. Bitte sorgen Sie dafür, dass jemand da ist.";
    slot_booked_from_site_seller(goods) = "Dann liefern Sie {goods}. Bitte planen Sie ein Fahrzeug dafür ein.";

    slot_moved_collection(goods) = "Abholung verschoben: {goods}";
    slot_moved_delivery(goods) = "Lieferung verschoben: {goods}";
    slot_moved_heading = "Ein Termin wurde verschoben";
    slot_moved_buyer(goods) = "Ihr Termin zu {goods} ist jetzt zu einer anderen Zeit.";
    slot_moved_seller(goods) = "Der Käufer hat den Termin zu {goods} auf eine andere Zeit verschoben.";

    slot_cancelled_collection(goods) = "Abholung abgesagt: {goods}";
    slot_cancelled_delivery(goods) = "Lieferung abgesagt: {goods}";
    slot_cancelled_heading = "Ein Termin wurde abgesagt";
    slot_cancelled_buyer(goods) = "Der Termin zu {goods} fällt aus. Sie können einen neuen vereinbaren.";
    slot_cancelled_seller(goods) = "Der Termin zu {goods} fällt aus. Der Käufer kann einen neuen vereinbaren, und Sie können einen vorschlagen.";

    slot_soon_collection(goods) = "Abholung in Kürze: {goods}";
    slot_soon_delivery(goods) = "Lieferung in Kürze: {goods}";
    slot_soon_heading = "Ein Termin steht bevor";
    slot_soon_collection_buyer(goods) = "In Kürze können Sie {goods} abholen. Bitte bringen Sie den Abholschein mit.";
    slot_soon_collection_seller(goods) = "In Kürze holt der Käufer {goods} ab.";
    slot_soon_delivery_buyer(goods) = "Sie möchten {goods} in Kürze erhalten. Auch der Verkäufer wird daran erinnert.";
    slot_soon_delivery_seller(goods) = "Der Käufer möchte {goods} in Kürze erhalten.";
    slot_soon_from_site_buyer(goods) = "In Kürze liefert der Verkäufer {goods}. Bitte sorgen Sie dafür, dass jemand da ist.";
    slot_soon_from_site_seller(goods) = "In Kürze liefern Sie {goods}.";

    slot_missed_subject(goods) = "Nicht abgeholt: {goods}";
    slot_missed_heading = "Niemand ist gekommen";
    slot_missed_buyer(goods) = "Niemand ist gekommen, um {goods} abzuholen. Bitte vereinbaren Sie einen neuen Termin.";
    slot_missed_seller(goods) = "Niemand ist gekommen, um {goods} abzuholen. Der Käufer kann einen neuen Termin vereinbaren.";
    slot_missed_often(goods) = "Niemand ist gekommen, um {goods} abzuholen, zum dritten Mal oder öfter. Sie können das Geld zurückgeben und die Ware behalten.";

    storage_subject(goods) = "Lagerung: {goods}";
    storage_heading = "Die Lagerung ist jetzt kostenpflichtig";
    storage_buyer(goods, fee) = "Niemand hat {goods} bisher abgeholt. Von jetzt an berechnet der Verkäufer {fee} für jeden angefangenen Tag. Bevor das bezahlt ist, wird nichts herausgegeben.";
    storage_seller(goods, fee) = "Niemand hat {goods} bisher abgeholt. Von jetzt an schuldet Ihnen der Käufer {fee} für jeden angefangenen Tag. Bitte vermerken Sie in der Bestellung, wenn Sie das Geld erhalten haben oder darauf verzichten: Vorher wird nichts herausgegeben.";
    storage_per_day = "Pro Tag";
} }
