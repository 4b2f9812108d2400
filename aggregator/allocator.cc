// How jemalloc is to behave (jemalloc(3), TUNING; MALLOC_CONF in the environment goes before it).
// A thread of its own gives back what was freed, also when nothing happens. What questions take,
// tens of megabytes where there are millions of names, is kept for the next one as all else is:
// pages that are new each time took half of a question's time.

extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,oversize_threshold:0";
