// For programs with AddressSanitizer: libraries that keep memory until the program ends. c-ares
// does when an answer comes while the program ends, and terminfo for as long as there is a
// terminal.

extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {  // sanitizer/lsan_interface.h
  return "leak:libcares.so\n"
         "leak:libtinfo.so\n";
}

extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
