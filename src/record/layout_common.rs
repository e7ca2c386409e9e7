//! Layout of what every type 119 record begins with: the SMF header and the
//! TCP/IP identification section.
//!
//! Source: `tests/spec/smf119-11.toml`; a test holds this file equal to it.

use super::field::section;
use crate::names::smf;

section! {
    /// Standard SMF record header with subtypes.
    pub struct Header("header", "Standard SMF record header with subtypes", 24) {
        /// Length of the logical record in bytes, counting this 4-byte descriptor. First half of
        /// the RDW.
        "SMF119HDLength" length: u16 = 0, Binary, zero, None, [];
        /// Segment descriptor, second half of the RDW. Zero when the record is not spanned; becomes
        /// the segment control code when the access method splits the record.
        "SMF119HDSegDesc" seg_desc: u16 = 2, Binary, zero, None, [smf::SEGMENT_CONTROL];
        /// System indicator flags.
        "SMF119HDFlags" flags: u8 = 4, Flags, zero, None, [smf::SMF_HEADER_FLAGS];
        /// Record type, always 119.
        "SMF119HDType" record_type: u8 = 5, Binary, zero, None, [];
        /// Local time of day, in 1/100 s since local midnight, when the record entered the SMF
        /// buffer.
        "SMF119HDTime" time: u32 = 6, Binary, zero, None, [];
        /// Local date when the record entered the SMF buffer, digits 0cyydddF (c = 0 for 19yy, 1
        /// for 20yy; ddd = day of year from 001).
        "SMF119HDDate" date: u32 = 10, Packed, zero, None, [];
        /// SMF system identifier (SID in the SMF parameters), blank padded.
        "SMF119HDSID" sid: [u8; 4] = 14, Ebcdic, blank, None, [];
        /// SMF subsystem identifier, blank padded. Value used by the TCP/IP stack is not stated in
        /// any source seen.
        "SMF119HDSSI" ssi: [u8; 4] = 18, Ebcdic, blank, None, [];
        /// Record subtype.
        "SMF119HDSubType" sub_type: u16 = 22, Binary, zero, None, [smf::SMF119_SUBTYPE];
    }
}

section! {
    /// TCP/IP identification section.
    pub struct Identification("ident", "TCP/IP identification section", 64) {
        /// System name (SYSNAME in IEASYSxx).
        "SMF119TI_SYSName" sys_name: [u8; 8] = 0, Ebcdic, blank, None, [];
        /// Sysplex name (SYSPLEX in COUPLExx).
        "SMF119TI_SysplexName" sysplex_name: [u8; 8] = 8, Ebcdic, blank, None, [];
        /// TCP/IP stack name (the stack's job name).
        "SMF119TI_Stack" stack: [u8; 8] = 16, Ebcdic, blank, None, [];
        /// z/OS Communications Server release identifier.
        "SMF119TI_ReleaseID" release_id: [u8; 8] = 24, Ebcdic, blank, None, [];
        /// TCP/IP subcomponent, right padded with blanks. STACK for subtypes 11 and 12.
        "SMF119TI_Comp" comp: [u8; 8] = 32, Ebcdic, blank, None, [smf::IDENT_COMPONENT];
        /// Started task qualifier or address space name of the address space that writes the
        /// record.
        "SMF119TI_ASName" as_name: [u8; 8] = 40, Ebcdic, blank, None, [];
        /// User ID of the security context under which the record is written.
        "SMF119TI_UserID" user_id: [u8; 8] = 48, Ebcdic, blank, None, [];
        /// Reserved; write zeros, ignore on read.
        "SMF119TI_rsvd1" rsvd1: [u8; 2] = 56, Reserved, zero, None, [];
        /// ASID of the writing address space.
        "SMF119TI_ASID" asid: u16 = 58, Binary, zero, None, [];
        /// Why the record was written; a code built from bits, compare the whole byte.
        "SMF119TI_Reason" reason: u8 = 60, Flags, zero, None, [smf::IDENT_REASON];
        /// Correlation record number used only by some subtypes; part of a 3-byte reserved area in
        /// the V2R3-era tables.
        "SMF119TI_RecordID" record_id: u8 = 61, Binary, zero, None, [];
        /// Reserved; write zeros, ignore on read.
        "SMF119TI_rsvd2" rsvd2: [u8; 2] = 62, Reserved, zero, None, [];
    }
}
