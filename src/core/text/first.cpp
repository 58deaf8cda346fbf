// core/text/first.cpp -- linked before all other objects of the library: marks where its machine code begins.
#if defined(__ELF__) && defined(__GNUC__)
__asm__(R"(
  .text
  .globl ct_text_begin
  .hidden ct_text_begin
ct_text_begin:
  .section .text.unlikely,"ax",%progbits
  .globl ct_cold_text_begin
  .hidden ct_cold_text_begin
ct_cold_text_begin:
  .text
)");
#endif
