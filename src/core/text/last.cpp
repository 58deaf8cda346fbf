// core/text/last.cpp -- linked after all other objects of the library: marks where its machine code ends.
#if defined(__ELF__) && defined(__GNUC__)
__asm__(R"(
  .text
  .globl ct_text_end
  .hidden ct_text_end
ct_text_end:
  .section .text.unlikely,"ax",%progbits
  .globl ct_cold_text_end
  .hidden ct_cold_text_end
ct_cold_text_end:
  .text
)");
#endif
