//! What releases after V2R3 have appended to the sections of subtype 12.
//!
//! Source: `tests/spec/smf119-12.toml`; a test holds this file equal to it.

use super::field::section;
use crate::names::smf;

section! {
    /// Failed handshakes.
    pub struct Common12V3r2("S1", "zERT summary common section", 212, from 204 since V3r2) {
        /// Connections whose TLS or SSH handshake failed, life count at the beginning of the
        /// interval; subset of the Init connection count. If above 0, the TLS or SSH section is
        /// zero or blank except Source and (TLS) the cipher field.
        "SMF119SS_SAInitFailedHsConnCnt" init_failed_hs_conn_cnt: u32 = 204, Binary, zero, None, [];
        /// Same count at the end of the interval.
        "SMF119SS_SAEndFailedHsConnCnt" end_failed_hs_conn_cnt: u32 = 208, Binary, zero, None, [];
    }
}

section! {
    /// Bytes that lie before the fields of 3.2 and are not described.
    pub struct Tls12V2r4("S2", "TLS protocol attributes section", 42, from 36 since V2r4) {
        /// Six bytes that exist in the 3.2 layout but whose fields no source seen describes; most
        /// likely the TLS 1.3 additions of V2R4. Opaque: keep on read, zeros on write.
        "SMF119SS_TLS_unknown_v24" unknown: [u8; 6] = 36, Bytes, zero, None, [];
    }
}

section! {
    /// Serial numbers and ends of validity of the certificates.
    pub struct Tls12V3r2("S2", "TLS protocol attributes section", 116, from 42 since V3r2) {
        /// Length of the server certificate serial number.
        "SMF119SS_TLS_SCert_Serial_Len" s_cert_serial_len: u8 = 42, Binary, zero, None, [];
        /// Server certificate serial number, left justified.
        "SMF119SS_TLS_SCert_Serial" s_cert_serial: [u8; 20] = 43, Bytes, zero, None, [];
        /// Form of the server certificate's not-after time.
        "SMF119SS_TLS_SCert_Time_Type" s_cert_time_type: u8 = 63, Binary, zero, None, [smf::CERT_TIME_TYPE];
        /// Server certificate's not-after time: YYMMDDhhmmssZ (type 1) or YYYYMMDDhhmmssZ (type 2).
        "SMF119SS_TLS_SCert_Time" s_cert_time: [u8; 15] = 64, Ebcdic, zero, None, [];
        /// Length of the client certificate serial number.
        "SMF119SS_TLS_CCert_Serial_Len" c_cert_serial_len: u8 = 79, Binary, zero, None, [];
        /// Client certificate serial number, left justified.
        "SMF119SS_TLS_CCert_Serial" c_cert_serial: [u8; 20] = 80, Bytes, zero, None, [];
        /// Form of the client certificate's not-after time.
        "SMF119SS_TLS_CCert_Time_Type" c_cert_time_type: u8 = 100, Binary, zero, None, [smf::CERT_TIME_TYPE];
        /// Client certificate's not-after time: YYMMDDhhmmssZ (type 1) or YYYYMMDDhhmmssZ (type 2).
        "SMF119SS_TLS_CCert_Time" c_cert_time: [u8; 15] = 101, Ebcdic, zero, None, [];
    }
}

section! {
    /// Serial numbers and ends of validity of the certificates.
    pub struct Ipsec12V3r2("S4", "IPSec protocol attributes section", 148, from 74 since V3r2) {
        /// Length of the local certificate serial number.
        "SMF119SS_IPSec_LclCert_Serial_Len" lcl_cert_serial_len: u8 = 74, Binary, zero, None, [];
        /// Local certificate serial number, left justified.
        "SMF119SS_IPSec_LclCert_Serial" lcl_cert_serial: [u8; 20] = 75, Bytes, zero, None, [];
        /// Form of the local certificate's not-after time.
        "SMF119SS_IPSec_LclCert_Time_Type" lcl_cert_time_type: u8 = 95, Binary, zero, None, [smf::CERT_TIME_TYPE];
        /// Local certificate's not-after time: YYMMDDhhmmssZ (type 1) or YYYYMMDDhhmmssZ (type 2).
        "SMF119SS_IPSec_LclCert_Time" lcl_cert_time: [u8; 15] = 96, Ebcdic, zero, None, [];
        /// Length of the remote certificate serial number.
        "SMF119SS_IPSec_RmtCert_Serial_Len" rmt_cert_serial_len: u8 = 111, Binary, zero, None, [];
        /// Remote certificate serial number, left justified.
        "SMF119SS_IPSec_RmtCert_Serial" rmt_cert_serial: [u8; 20] = 112, Bytes, zero, None, [];
        /// Form of the remote certificate's not-after time.
        "SMF119SS_IPSec_RmtCert_Time_Type" rmt_cert_time_type: u8 = 132, Binary, zero, None, [smf::CERT_TIME_TYPE];
        /// Remote certificate's not-after time: YYMMDDhhmmssZ (type 1) or YYYYMMDDhhmmssZ (type 2).
        "SMF119SS_IPSec_RmtCert_Time" rmt_cert_time: [u8; 15] = 133, Ebcdic, zero, None, [];
    }
}
