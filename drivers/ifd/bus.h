/* What the two halves of this driver know of one another. */
#ifndef SITHSD_BUS_H
#define SITHSD_BUS_H

/* Tell that the reader of this folder was unplugged: whoever waits for its answer waits no longer. */
void reader_unplugged(const char *folder);

#endif
