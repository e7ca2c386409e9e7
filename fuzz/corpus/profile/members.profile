;  The profile is put together from members                             00010000
GLOBALCONFIG ZERT ; aggregation is off by default                       00020000
SMFCONFIG TYPE119 ZERTDETAIL NOZERTSUMMARY                              00030000
INCLUDE SYS1.TCPPARMS(HOME)                                             00040000
INCLUDE 'SYS1.TCPPARMS(PORTS)'                                          00050000
VIPADYNAMIC                                                             00060000
VIPADEFINE MOVEABLE WHENIDLE 255.255.255.240 10.7.0.1 10.7.0.2 10.7.0.3 00070000
VIPADISTRIBUTE DEFINE SYSPLEXPORTS 10.7.0.1 PORT 21 23 DESTIP ALL       00080000
VIPASMPARMS SMMCAST 224.0.0.1 SMPORT 7                                  00090000
ENDVIPADYNAMIC                                                          00100000
