//! The words of the standard: GS1's Core Business Vocabulary (CBV 2.0), and the kinds of measurements.

/// A list of words that a field takes besides URIs of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    BizStep,
    Disposition,
    TransactionType,
    PartyType,
    ErrorReason,
    Component,
    Measurement,
    Alert,
}

impl Vocabulary {
    /// The words in their short form, as JSON has them.
    pub(super) const fn words(self) -> &'static [&'static str] {
        match self {
            Self::BizStep => &BIZ_STEPS,
            Self::Disposition => &DISPOSITIONS,
            Self::TransactionType => &TRANSACTION_TYPES,
            Self::PartyType => &PARTY_TYPES,
            Self::ErrorReason => &ERROR_REASONS,
            Self::Component => &COMPONENTS,
            Self::Measurement => &MEASUREMENTS,
            Self::Alert => &ALERTS,
        }
    }

    /// What a word in its short form is appended to, to make its web URI.
    pub(super) const fn web(self) -> &'static str {
        match self {
            Self::BizStep => "https://ref.gs1.org/cbv/BizStep-",
            Self::Disposition => "https://ref.gs1.org/cbv/Disp-",
            Self::TransactionType => "https://ref.gs1.org/cbv/BTT-",
            Self::PartyType => "https://ref.gs1.org/cbv/SDT-",
            Self::ErrorReason => "https://ref.gs1.org/cbv/ER-",
            Self::Component => "https://ref.gs1.org/cbv/Comp-",
            Self::Measurement | Self::Alert => "https://gs1.org/voc/",
        }
    }

    /// The same for the URN that EPCIS 1.2 had; the later lists have none.
    pub(super) const fn urn(self) -> Option<&'static str> {
        match self {
            Self::BizStep => Some("urn:epcglobal:cbv:bizstep:"),
            Self::Disposition => Some("urn:epcglobal:cbv:disp:"),
            Self::TransactionType => Some("urn:epcglobal:cbv:btt:"),
            Self::PartyType => Some("urn:epcglobal:cbv:sdt:"),
            Self::ErrorReason => Some("urn:epcglobal:cbv:er:"),
            Self::Component | Self::Measurement | Self::Alert => None,
        }
    }

    /// Whether a URI belongs to the standard, so that its word is sent in the short form.
    pub(super) fn is_own(self, uri: &str) -> bool {
        let own: &[&str] = match self {
            Self::Measurement | Self::Alert => {
                &["http://gs1.org/voc/", "https://gs1.org/voc/", "http://www.gs1.org/voc/", "https://www.gs1.org/voc/"]
            }
            _ => &["urn:epcglobal:cbv", "http://ns.gs1.org/cbv/", "https://ns.gs1.org/cbv/"],
        };
        own.iter().any(|start| uri.starts_with(start))
    }

    /// The short form of a word, from any of its forms; `None` for what is no word of the standard.
    pub(super) fn short(self, text: &str) -> Option<&'static str> {
        let curie = self.web().strip_prefix(REF).and_then(|rest| text.strip_prefix("cbv:")?.strip_prefix(rest));
        let urn = self.urn().and_then(|start| text.strip_prefix(start));
        let word = text.strip_prefix(self.web()).or(urn).or(curie).unwrap_or(text);
        self.words().iter().find(|known| **known == word).copied()
    }
}

const REF: &str = "https://ref.gs1.org/cbv/";

/// Steps of business.
const BIZ_STEPS: [&str; 41] = [
    "accepting",
    "arriving",
    "assembling",
    "collecting",
    "commissioning",
    "consigning",
    "creating_class_instance",
    "cycle_counting",
    "decommissioning",
    "departing",
    "destroying",
    "disassembling",
    "dispensing",
    "encoding",
    "entering_exiting",
    "holding",
    "inspecting",
    "installing",
    "killing",
    "loading",
    "other",
    "packing",
    "picking",
    "receiving",
    "removing",
    "repackaging",
    "repairing",
    "replacing",
    "reserving",
    "retail_selling",
    "shipping",
    "staging_outbound",
    "stock_taking",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
    "void_shipping",
    "sensor_reporting",
    "sampling",
];

/// States of goods.
const DISPOSITIONS: [&str; 33] = [
    "active",
    "container_closed",
    "damaged",
    "destroyed",
    "dispensed",
    "disposed",
    "encoded",
    "expired",
    "in_progress",
    "in_transit",
    "inactive",
    "no_pedigree_match",
    "non_sellable_other",
    "partially_dispensed",
    "recalled",
    "reserved",
    "retail_sold",
    "returned",
    "sellable_accessible",
    "sellable_not_accessible",
    "stolen",
    "unknown",
    "available",
    "completeness_verified",
    "completeness_inferred",
    "conformant",
    "container_open",
    "mismatch_instance",
    "mismatch_class",
    "mismatch_quantity",
    "needs_replacement",
    "non_conformant",
    "unavailable",
];

/// Types of business transactions.
const TRANSACTION_TYPES: [&str; 13] = [
    "bol",
    "cert",
    "desadv",
    "inv",
    "pedigree",
    "po",
    "poc",
    "prodorder",
    "recadv",
    "rma",
    "testprd",
    "testres",
    "upevt",
];

/// What somebody or something is as a source or destination.
const PARTY_TYPES: [&str; 3] = ["owning_party", "possessing_party", "location"];

/// Why an event is declared to be wrong.
const ERROR_REASONS: [&str; 2] = ["did_not_occur", "incorrect_data"];

/// Components of vectors and places.
const COMPONENTS: [&str; 14] = [
    "x",
    "y",
    "z",
    "axial_distance",
    "azimuth",
    "height",
    "spherical_radius",
    "polar_angle",
    "elevation_angle",
    "easting",
    "northing",
    "latitude",
    "longitude",
    "altitude",
];

/// What sensors measure.
const MEASUREMENTS: [&str; 72] = [
    "AbsoluteHumidity",
    "AbsorbedDose",
    "AbsorbedDoseRate",
    "Acceleration",
    "Radioactivity",
    "Altitude",
    "AmountOfSubstance",
    "AmountOfSubstancePerUnitVolume",
    "Angle",
    "AngularAcceleration",
    "AngularMomentum",
    "AngularVelocity",
    "Area",
    "Capacitance",
    "Conductance",
    "Conductivity",
    "Count",
    "Density",
    "Dimensionless",
    "DoseEquivalent",
    "DoseEquivalentRate",
    "DynamicViscosity",
    "ElectricCharge",
    "ElectricCurrent",
    "ElectricCurrentDensity",
    "ElectricFieldStrength",
    "Energy",
    "Exposure",
    "Force",
    "Frequency",
    "Illuminance",
    "Inductance",
    "Irradiance",
    "KinematicViscosity",
    "Length",
    "LinearMomentum",
    "Luminance",
    "LuminousFlux",
    "LuminousIntensity",
    "MagneticFlux",
    "MagneticFluxDensity",
    "MagneticVectorPotential",
    "Mass",
    "MassConcentration",
    "MassFlowRate",
    "MassPerAreaTime",
    "MemoryCapacity",
    "MolalityOfSolute",
    "MolarEnergy",
    "MolarMass",
    "MolarVolume",
    "Power",
    "Pressure",
    "RadiantFlux",
    "RadiantIntensity",
    "RelativeHumidity",
    "Resistance",
    "Resistivity",
    "SolidAngle",
    "SpecificVolume",
    "Speed",
    "SurfaceDensity",
    "SurfaceTension",
    "Temperature",
    "Time",
    "Torque",
    "Voltage",
    "Volume",
    "VolumeFlowRate",
    "VolumeFraction",
    "VolumetricFlux",
    "Wavenumber",
];

/// What sensors raise.
const ALERTS: [&str; 2] = ["ALARM_CONDITION", "ERROR_CONDITION"];
