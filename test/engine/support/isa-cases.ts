// Cases of the instruction set: what r0 must hold after a few instructions, from RFC 9669 and, where that leaves a choice
// (division, shifts, zero extension), from what Linux does. A case gets a in r1 and b in r2, leaves its result in r0,
// keeps its hands off r6 and r10, and may use 64 bytes of stack. No engine had a part in the expected values.

export interface IsaCase {
  readonly name: string
  readonly a: bigint
  readonly b: bigint
  /** assembler text */
  readonly body: string
  /** bpf-to-bpf functions, after the program's exit */
  readonly functions?: string
  readonly expected: bigint
}

const ones = 0xffffffffffffffffn

/** operator, bits, a, b, a operator b; of 32 bits the lower halves count and the result's upper half is 0 */
const arithmeticRows = `
  += 64 0x0 0x0 0x0; += 64 0x1 0xffffffffffffffff 0x0; += 64 0xffffffffffffffff 0x1 0x0;
  += 64 0xffffffffffffffff 0xffffffffffffffff 0xfffffffffffffffe; += 64 0x7fffffffffffffff 0x1 0x8000000000000000;
  += 64 0x8000000000000000 0xffffffffffffffff 0x7fffffffffffffff; += 64 0x123456789abcdef0 0xfedcba9876543210 0x1111111111111100;
  += 64 0xf00000001 0x80000000 0xf80000001; += 64 0xdeadbeef7fffffff 0x1ffffffff 0xdeadbef17ffffffe;
  += 64 0xaaaaaaaa80000000 0xffffffffffffffff 0xaaaaaaaa7fffffff; += 64 0x5555555555555555 0x7 0x555555555555555c;
  += 64 0xfffffffffffffff9 0x2 0xfffffffffffffffb; += 64 0x7 0xfffffffffffffffe 0x5; += 64 0x100000007 0x100000000 0x200000007;
  += 32 0x0 0x0 0x0; += 32 0x1 0xffffffffffffffff 0x0; += 32 0xffffffffffffffff 0x1 0x0;
  += 32 0xffffffffffffffff 0xffffffffffffffff 0xfffffffe; += 32 0x8000000000000000 0xffffffffffffffff 0xffffffff;
  += 32 0x123456789abcdef0 0xfedcba9876543210 0x11111100; += 32 0xf00000001 0x80000000 0x80000001;
  += 32 0xdeadbeef7fffffff 0x1ffffffff 0x7ffffffe; += 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x7fffffff;
  += 32 0x5555555555555555 0x7 0x5555555c; += 32 0xfffffffffffffff9 0x2 0xfffffffb; += 32 0x7 0xfffffffffffffffe 0x5;
  += 32 0x100000007 0x100000000 0x7; -= 64 0x0 0x0 0x0; -= 64 0x1 0xffffffffffffffff 0x2;
  -= 64 0xffffffffffffffff 0x1 0xfffffffffffffffe; -= 64 0xffffffffffffffff 0xffffffffffffffff 0x0;
  -= 64 0x7fffffffffffffff 0x1 0x7ffffffffffffffe; -= 64 0x8000000000000000 0xffffffffffffffff 0x8000000000000001;
  -= 64 0x123456789abcdef0 0xfedcba9876543210 0x13579be02468ace0; -= 64 0xf00000001 0x80000000 0xe80000001;
  -= 64 0xdeadbeef7fffffff 0x1ffffffff 0xdeadbeed80000000; -= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0xaaaaaaaa80000001;
  -= 64 0x5555555555555555 0x7 0x555555555555554e; -= 64 0xfffffffffffffff9 0x2 0xfffffffffffffff7; -= 64 0x7 0xfffffffffffffffe 0x9;
  -= 64 0x100000007 0x100000000 0x7; -= 32 0x0 0x0 0x0; -= 32 0x1 0xffffffffffffffff 0x2; -= 32 0xffffffffffffffff 0x1 0xfffffffe;
  -= 32 0xffffffffffffffff 0xffffffffffffffff 0x0; -= 32 0x8000000000000000 0xffffffffffffffff 0x1;
  -= 32 0x123456789abcdef0 0xfedcba9876543210 0x2468ace0; -= 32 0xf00000001 0x80000000 0x80000001;
  -= 32 0xdeadbeef7fffffff 0x1ffffffff 0x80000000; -= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x80000001;
  -= 32 0x5555555555555555 0x7 0x5555554e; -= 32 0xfffffffffffffff9 0x2 0xfffffff7; -= 32 0x7 0xfffffffffffffffe 0x9;
  -= 32 0x100000007 0x100000000 0x7; *= 64 0x0 0x0 0x0; *= 64 0x1 0xffffffffffffffff 0xffffffffffffffff;
  *= 64 0xffffffffffffffff 0x1 0xffffffffffffffff; *= 64 0xffffffffffffffff 0xffffffffffffffff 0x1;
  *= 64 0x7fffffffffffffff 0x1 0x7fffffffffffffff; *= 64 0x8000000000000000 0xffffffffffffffff 0x8000000000000000;
  *= 64 0x123456789abcdef0 0xfedcba9876543210 0x236d88fe5618cf00; *= 64 0xf00000001 0x80000000 0x8000000080000000;
  *= 64 0xdeadbeef7fffffff 0x1ffffffff 0x2152410e80000001; *= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0x5555555580000000;
  *= 64 0x5555555555555555 0x7 0x5555555555555553; *= 64 0xfffffffffffffff9 0x2 0xfffffffffffffff2;
  *= 64 0x7 0xfffffffffffffffe 0xfffffffffffffff2; *= 64 0x100000007 0x100000000 0x700000000; *= 32 0x0 0x0 0x0;
  *= 32 0x1 0xffffffffffffffff 0xffffffff; *= 32 0xffffffffffffffff 0x1 0xffffffff; *= 32 0xffffffffffffffff 0xffffffffffffffff 0x1;
  *= 32 0x8000000000000000 0xffffffffffffffff 0x0; *= 32 0x123456789abcdef0 0xfedcba9876543210 0x5618cf00;
  *= 32 0xf00000001 0x80000000 0x80000000; *= 32 0xdeadbeef7fffffff 0x1ffffffff 0x80000001;
  *= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x80000000; *= 32 0x5555555555555555 0x7 0x55555553;
  *= 32 0xfffffffffffffff9 0x2 0xfffffff2; *= 32 0x7 0xfffffffffffffffe 0xfffffff2; *= 32 0x100000007 0x100000000 0x0; |= 64 0x0 0x0 0x0;
  |= 64 0x1 0xffffffffffffffff 0xffffffffffffffff; |= 64 0xffffffffffffffff 0x1 0xffffffffffffffff;
  |= 64 0xffffffffffffffff 0xffffffffffffffff 0xffffffffffffffff; |= 64 0x7fffffffffffffff 0x1 0x7fffffffffffffff;
  |= 64 0x8000000000000000 0xffffffffffffffff 0xffffffffffffffff; |= 64 0x123456789abcdef0 0xfedcba9876543210 0xfefcfef8fefcfef0;
  |= 64 0xf00000001 0x80000000 0xf80000001; |= 64 0xdeadbeef7fffffff 0x1ffffffff 0xdeadbeefffffffff;
  |= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0xffffffffffffffff; |= 64 0x5555555555555555 0x7 0x5555555555555557;
  |= 64 0xfffffffffffffff9 0x2 0xfffffffffffffffb; |= 64 0x7 0xfffffffffffffffe 0xffffffffffffffff;
  |= 64 0x100000007 0x100000000 0x100000007; |= 32 0x0 0x0 0x0; |= 32 0x1 0xffffffffffffffff 0xffffffff;
  |= 32 0xffffffffffffffff 0x1 0xffffffff; |= 32 0xffffffffffffffff 0xffffffffffffffff 0xffffffff;
  |= 32 0x8000000000000000 0xffffffffffffffff 0xffffffff; |= 32 0x123456789abcdef0 0xfedcba9876543210 0xfefcfef0;
  |= 32 0xf00000001 0x80000000 0x80000001; |= 32 0xdeadbeef7fffffff 0x1ffffffff 0xffffffff;
  |= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0xffffffff; |= 32 0x5555555555555555 0x7 0x55555557;
  |= 32 0xfffffffffffffff9 0x2 0xfffffffb; |= 32 0x7 0xfffffffffffffffe 0xffffffff; |= 32 0x100000007 0x100000000 0x7; &= 64 0x0 0x0 0x0;
  &= 64 0x1 0xffffffffffffffff 0x1; &= 64 0xffffffffffffffff 0x1 0x1; &= 64 0xffffffffffffffff 0xffffffffffffffff 0xffffffffffffffff;
  &= 64 0x7fffffffffffffff 0x1 0x1; &= 64 0x8000000000000000 0xffffffffffffffff 0x8000000000000000;
  &= 64 0x123456789abcdef0 0xfedcba9876543210 0x1214121812141210; &= 64 0xf00000001 0x80000000 0x0;
  &= 64 0xdeadbeef7fffffff 0x1ffffffff 0x17fffffff; &= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0xaaaaaaaa80000000;
  &= 64 0x5555555555555555 0x7 0x5; &= 64 0xfffffffffffffff9 0x2 0x0; &= 64 0x7 0xfffffffffffffffe 0x6;
  &= 64 0x100000007 0x100000000 0x100000000; &= 32 0x0 0x0 0x0; &= 32 0x1 0xffffffffffffffff 0x1; &= 32 0xffffffffffffffff 0x1 0x1;
  &= 32 0xffffffffffffffff 0xffffffffffffffff 0xffffffff; &= 32 0x8000000000000000 0xffffffffffffffff 0x0;
  &= 32 0x123456789abcdef0 0xfedcba9876543210 0x12141210; &= 32 0xf00000001 0x80000000 0x0;
  &= 32 0xdeadbeef7fffffff 0x1ffffffff 0x7fffffff; &= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x80000000;
  &= 32 0x5555555555555555 0x7 0x5; &= 32 0xfffffffffffffff9 0x2 0x0; &= 32 0x7 0xfffffffffffffffe 0x6;
  &= 32 0x100000007 0x100000000 0x0; ^= 64 0x0 0x0 0x0; ^= 64 0x1 0xffffffffffffffff 0xfffffffffffffffe;
  ^= 64 0xffffffffffffffff 0x1 0xfffffffffffffffe; ^= 64 0xffffffffffffffff 0xffffffffffffffff 0x0;
  ^= 64 0x7fffffffffffffff 0x1 0x7ffffffffffffffe; ^= 64 0x8000000000000000 0xffffffffffffffff 0x7fffffffffffffff;
  ^= 64 0x123456789abcdef0 0xfedcba9876543210 0xece8ece0ece8ece0; ^= 64 0xf00000001 0x80000000 0xf80000001;
  ^= 64 0xdeadbeef7fffffff 0x1ffffffff 0xdeadbeee80000000; ^= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0x555555557fffffff;
  ^= 64 0x5555555555555555 0x7 0x5555555555555552; ^= 64 0xfffffffffffffff9 0x2 0xfffffffffffffffb;
  ^= 64 0x7 0xfffffffffffffffe 0xfffffffffffffff9; ^= 64 0x100000007 0x100000000 0x7; ^= 32 0x0 0x0 0x0;
  ^= 32 0x1 0xffffffffffffffff 0xfffffffe; ^= 32 0xffffffffffffffff 0x1 0xfffffffe; ^= 32 0xffffffffffffffff 0xffffffffffffffff 0x0;
  ^= 32 0x8000000000000000 0xffffffffffffffff 0xffffffff; ^= 32 0x123456789abcdef0 0xfedcba9876543210 0xece8ece0;
  ^= 32 0xf00000001 0x80000000 0x80000001; ^= 32 0xdeadbeef7fffffff 0x1ffffffff 0x80000000;
  ^= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x7fffffff; ^= 32 0x5555555555555555 0x7 0x55555552;
  ^= 32 0xfffffffffffffff9 0x2 0xfffffffb; ^= 32 0x7 0xfffffffffffffffe 0xfffffff9; ^= 32 0x100000007 0x100000000 0x7;
  <<= 64 0x8123456789abcdef 0x0 0x8123456789abcdef; <<= 64 0x8123456789abcdef 0x1 0x2468acf13579bde;
  <<= 64 0x8123456789abcdef 0x1f 0xc4d5e6f780000000; <<= 64 0x8123456789abcdef 0x20 0x89abcdef00000000;
  <<= 64 0x8123456789abcdef 0x21 0x13579bde00000000; <<= 64 0x8123456789abcdef 0x3f 0x8000000000000000;
  <<= 64 0x8123456789abcdef 0x40 0x8123456789abcdef; <<= 64 0x8123456789abcdef 0x41 0x2468acf13579bde;
  <<= 64 0x8123456789abcdef 0xffffffffffffffff 0x8000000000000000; <<= 64 0x8123456789abcdef 0x100000004 0x123456789abcdef0;
  <<= 64 0xffffffff 0x10 0xffffffff0000; <<= 64 0x1 0x28 0x10000000000; <<= 32 0x8123456789abcdef 0x0 0x89abcdef;
  <<= 32 0x8123456789abcdef 0x1 0x13579bde; <<= 32 0x8123456789abcdef 0x1f 0x80000000; <<= 32 0x8123456789abcdef 0x20 0x89abcdef;
  <<= 32 0x8123456789abcdef 0x21 0x13579bde; <<= 32 0x8123456789abcdef 0x3f 0x80000000; <<= 32 0x8123456789abcdef 0x40 0x89abcdef;
  <<= 32 0x8123456789abcdef 0x41 0x13579bde; <<= 32 0x8123456789abcdef 0xffffffffffffffff 0x80000000;
  <<= 32 0x8123456789abcdef 0x100000004 0x9abcdef0; <<= 32 0xffffffff 0x10 0xffff0000; <<= 32 0x1 0x28 0x100;
  >>= 64 0x8123456789abcdef 0x0 0x8123456789abcdef; >>= 64 0x8123456789abcdef 0x1 0x4091a2b3c4d5e6f7;
  >>= 64 0x8123456789abcdef 0x1f 0x102468acf; >>= 64 0x8123456789abcdef 0x20 0x81234567; >>= 64 0x8123456789abcdef 0x21 0x4091a2b3;
  >>= 64 0x8123456789abcdef 0x3f 0x1; >>= 64 0x8123456789abcdef 0x40 0x8123456789abcdef;
  >>= 64 0x8123456789abcdef 0x41 0x4091a2b3c4d5e6f7; >>= 64 0x8123456789abcdef 0xffffffffffffffff 0x1;
  >>= 64 0x8123456789abcdef 0x100000004 0x8123456789abcde; >>= 64 0xffffffff 0x10 0xffff; >>= 64 0x1 0x28 0x0;
  >>= 32 0x8123456789abcdef 0x0 0x89abcdef; >>= 32 0x8123456789abcdef 0x1 0x44d5e6f7; >>= 32 0x8123456789abcdef 0x1f 0x1;
  >>= 32 0x8123456789abcdef 0x20 0x89abcdef; >>= 32 0x8123456789abcdef 0x21 0x44d5e6f7; >>= 32 0x8123456789abcdef 0x3f 0x1;
  >>= 32 0x8123456789abcdef 0x40 0x89abcdef; >>= 32 0x8123456789abcdef 0x41 0x44d5e6f7; >>= 32 0x8123456789abcdef 0xffffffffffffffff 0x1;
  >>= 32 0x8123456789abcdef 0x100000004 0x89abcde; >>= 32 0xffffffff 0x10 0xffff; >>= 32 0x1 0x28 0x0;
  s>>= 64 0x8123456789abcdef 0x0 0x8123456789abcdef; s>>= 64 0x8123456789abcdef 0x1 0xc091a2b3c4d5e6f7;
  s>>= 64 0x8123456789abcdef 0x1f 0xffffffff02468acf; s>>= 64 0x8123456789abcdef 0x20 0xffffffff81234567;
  s>>= 64 0x8123456789abcdef 0x21 0xffffffffc091a2b3; s>>= 64 0x8123456789abcdef 0x3f 0xffffffffffffffff;
  s>>= 64 0x8123456789abcdef 0x40 0x8123456789abcdef; s>>= 64 0x8123456789abcdef 0x41 0xc091a2b3c4d5e6f7;
  s>>= 64 0x8123456789abcdef 0xffffffffffffffff 0xffffffffffffffff; s>>= 64 0x8123456789abcdef 0x100000004 0xf8123456789abcde;
  s>>= 64 0xffffffff 0x10 0xffff; s>>= 64 0x1 0x28 0x0; s>>= 32 0x8123456789abcdef 0x0 0x89abcdef;
  s>>= 32 0x8123456789abcdef 0x1 0xc4d5e6f7; s>>= 32 0x8123456789abcdef 0x1f 0xffffffff; s>>= 32 0x8123456789abcdef 0x20 0x89abcdef;
  s>>= 32 0x8123456789abcdef 0x21 0xc4d5e6f7; s>>= 32 0x8123456789abcdef 0x3f 0xffffffff; s>>= 32 0x8123456789abcdef 0x40 0x89abcdef;
  s>>= 32 0x8123456789abcdef 0x41 0xc4d5e6f7; s>>= 32 0x8123456789abcdef 0xffffffffffffffff 0xffffffff;
  s>>= 32 0x8123456789abcdef 0x100000004 0xf89abcde; s>>= 32 0xffffffff 0x10 0xffffffff; s>>= 32 0x1 0x28 0x0; /= 64 0x0 0x0 0x0;
  /= 64 0x1 0xffffffffffffffff 0x0; /= 64 0xffffffffffffffff 0x1 0xffffffffffffffff; /= 64 0xffffffffffffffff 0xffffffffffffffff 0x1;
  /= 64 0x7fffffffffffffff 0x1 0x7fffffffffffffff; /= 64 0x8000000000000000 0xffffffffffffffff 0x0;
  /= 64 0x123456789abcdef0 0xfedcba9876543210 0x0; /= 64 0xf00000001 0x80000000 0x1e; /= 64 0xdeadbeef7fffffff 0x1ffffffff 0x6f56df77;
  /= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0x0; /= 64 0x5555555555555555 0x7 0xc30c30c30c30c30;
  /= 64 0xfffffffffffffff9 0x2 0x7ffffffffffffffc; /= 64 0x7 0xfffffffffffffffe 0x0; /= 64 0x100000007 0x100000000 0x1;
  /= 32 0x0 0x0 0x0; /= 32 0x1 0xffffffffffffffff 0x0; /= 32 0xffffffffffffffff 0x1 0xffffffff;
  /= 32 0xffffffffffffffff 0xffffffffffffffff 0x1; /= 32 0x8000000000000000 0xffffffffffffffff 0x0;
  /= 32 0x123456789abcdef0 0xfedcba9876543210 0x1; /= 32 0xf00000001 0x80000000 0x0; /= 32 0xdeadbeef7fffffff 0x1ffffffff 0x0;
  /= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x0; /= 32 0x5555555555555555 0x7 0xc30c30c; /= 32 0xfffffffffffffff9 0x2 0x7ffffffc;
  /= 32 0x7 0xfffffffffffffffe 0x0; /= 32 0x100000007 0x100000000 0x0; %= 64 0x0 0x0 0x0; %= 64 0x1 0xffffffffffffffff 0x1;
  %= 64 0xffffffffffffffff 0x1 0x0; %= 64 0xffffffffffffffff 0xffffffffffffffff 0x0; %= 64 0x7fffffffffffffff 0x1 0x0;
  %= 64 0x8000000000000000 0xffffffffffffffff 0x8000000000000000; %= 64 0x123456789abcdef0 0xfedcba9876543210 0x123456789abcdef0;
  %= 64 0xf00000001 0x80000000 0x1; %= 64 0xdeadbeef7fffffff 0x1ffffffff 0x1ef56df76;
  %= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0xaaaaaaaa80000000; %= 64 0x5555555555555555 0x7 0x5; %= 64 0xfffffffffffffff9 0x2 0x1;
  %= 64 0x7 0xfffffffffffffffe 0x7; %= 64 0x100000007 0x100000000 0x7; %= 32 0x0 0x0 0x0; %= 32 0x1 0xffffffffffffffff 0x1;
  %= 32 0xffffffffffffffff 0x1 0x0; %= 32 0xffffffffffffffff 0xffffffffffffffff 0x0; %= 32 0x8000000000000000 0xffffffffffffffff 0x0;
  %= 32 0x123456789abcdef0 0xfedcba9876543210 0x2468ace0; %= 32 0xf00000001 0x80000000 0x1;
  %= 32 0xdeadbeef7fffffff 0x1ffffffff 0x7fffffff; %= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x80000000;
  %= 32 0x5555555555555555 0x7 0x1; %= 32 0xfffffffffffffff9 0x2 0x1; %= 32 0x7 0xfffffffffffffffe 0x7;
  %= 32 0x100000007 0x100000000 0x7; s/= 64 0x0 0x0 0x0; s/= 64 0x1 0xffffffffffffffff 0xffffffffffffffff;
  s/= 64 0xffffffffffffffff 0x1 0xffffffffffffffff; s/= 64 0xffffffffffffffff 0xffffffffffffffff 0x1;
  s/= 64 0x7fffffffffffffff 0x1 0x7fffffffffffffff; s/= 64 0x8000000000000000 0xffffffffffffffff 0x8000000000000000;
  s/= 64 0x123456789abcdef0 0xfedcba9876543210 0xfffffffffffffff1; s/= 64 0xf00000001 0x80000000 0x1e;
  s/= 64 0xdeadbeef7fffffff 0x1ffffffff 0xffffffffef56df78; s/= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0x5555555580000000;
  s/= 64 0x5555555555555555 0x7 0xc30c30c30c30c30; s/= 64 0xfffffffffffffff9 0x2 0xfffffffffffffffd;
  s/= 64 0x7 0xfffffffffffffffe 0xfffffffffffffffd; s/= 64 0x100000007 0x100000000 0x1; s/= 32 0x0 0x0 0x0;
  s/= 32 0x1 0xffffffffffffffff 0xffffffff; s/= 32 0xffffffffffffffff 0x1 0xffffffff; s/= 32 0xffffffffffffffff 0xffffffffffffffff 0x1;
  s/= 32 0x8000000000000000 0xffffffffffffffff 0x0; s/= 32 0x123456789abcdef0 0xfedcba9876543210 0x0; s/= 32 0xf00000001 0x80000000 0x0;
  s/= 32 0xdeadbeef7fffffff 0x1ffffffff 0x80000001; s/= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x80000000;
  s/= 32 0x5555555555555555 0x7 0xc30c30c; s/= 32 0xfffffffffffffff9 0x2 0xfffffffd; s/= 32 0x7 0xfffffffffffffffe 0xfffffffd;
  s/= 32 0x100000007 0x100000000 0x0; s%= 64 0x0 0x0 0x0; s%= 64 0x1 0xffffffffffffffff 0x0; s%= 64 0xffffffffffffffff 0x1 0x0;
  s%= 64 0xffffffffffffffff 0xffffffffffffffff 0x0; s%= 64 0x7fffffffffffffff 0x1 0x0; s%= 64 0x8000000000000000 0xffffffffffffffff 0x0;
  s%= 64 0x123456789abcdef0 0xfedcba9876543210 0x123456789abcde0; s%= 64 0xf00000001 0x80000000 0x1;
  s%= 64 0xdeadbeef7fffffff 0x1ffffffff 0xffffffff6f56df77; s%= 64 0xaaaaaaaa80000000 0xffffffffffffffff 0x0;
  s%= 64 0x5555555555555555 0x7 0x5; s%= 64 0xfffffffffffffff9 0x2 0xffffffffffffffff; s%= 64 0x7 0xfffffffffffffffe 0x1;
  s%= 64 0x100000007 0x100000000 0x7; s%= 32 0x0 0x0 0x0; s%= 32 0x1 0xffffffffffffffff 0x0; s%= 32 0xffffffffffffffff 0x1 0x0;
  s%= 32 0xffffffffffffffff 0xffffffffffffffff 0x0; s%= 32 0x8000000000000000 0xffffffffffffffff 0x0;
  s%= 32 0x123456789abcdef0 0xfedcba9876543210 0x9abcdef0; s%= 32 0xf00000001 0x80000000 0x1; s%= 32 0xdeadbeef7fffffff 0x1ffffffff 0x0;
  s%= 32 0xaaaaaaaa80000000 0xffffffffffffffff 0x0; s%= 32 0x5555555555555555 0x7 0x1; s%= 32 0xfffffffffffffff9 0x2 0xffffffff;
  s%= 32 0x7 0xfffffffffffffffe 0x1; s%= 32 0x100000007 0x100000000 0x7; = 64 0x0 0x0 0x0;
  = 64 0x1 0xffffffffffffffff 0xffffffffffffffff; = 64 0xffffffffffffffff 0x1 0x1;
  = 64 0xffffffffffffffff 0xffffffffffffffff 0xffffffffffffffff; = 64 0x7fffffffffffffff 0x1 0x1;
  = 64 0x8000000000000000 0xffffffffffffffff 0xffffffffffffffff; = 64 0x123456789abcdef0 0xfedcba9876543210 0xfedcba9876543210;
  = 64 0xf00000001 0x80000000 0x80000000; = 64 0xdeadbeef7fffffff 0x1ffffffff 0x1ffffffff;
  = 64 0xaaaaaaaa80000000 0xffffffffffffffff 0xffffffffffffffff; = 64 0x5555555555555555 0x7 0x7; = 64 0xfffffffffffffff9 0x2 0x2;
  = 64 0x7 0xfffffffffffffffe 0xfffffffffffffffe; = 64 0x100000007 0x100000000 0x100000000; = 32 0x0 0x0 0x0;
  = 32 0x1 0xffffffffffffffff 0xffffffff; = 32 0xffffffffffffffff 0x1 0x1; = 32 0xffffffffffffffff 0xffffffffffffffff 0xffffffff;
  = 32 0x8000000000000000 0xffffffffffffffff 0xffffffff; = 32 0x123456789abcdef0 0xfedcba9876543210 0x76543210;
  = 32 0xf00000001 0x80000000 0x80000000; = 32 0xdeadbeef7fffffff 0x1ffffffff 0xffffffff;
  = 32 0xaaaaaaaa80000000 0xffffffffffffffff 0xffffffff; = 32 0x5555555555555555 0x7 0x7; = 32 0xfffffffffffffff9 0x2 0x2;
  = 32 0x7 0xfffffffffffffffe 0xfffffffe; = 32 0x100000007 0x100000000 0x0;
`

/** operands of every comparison, a and b */
const comparedPairs: ReadonlyArray<readonly [bigint, bigint]> = [
  [0n, 0n], [1n, ones], [ones, 1n], [ones, ones], [0xf00000001n, 1n], [0x80000000n, 0xffffffff80000000n],
  [0x7fffffffffffffffn, 0x8000000000000000n], [0x100000000n, 0xffffffff00000000n], [5n, 7n], [7n, 5n]
]

/** operator, bits, for each of the pairs whether the jump is taken */
const comparisonRows = `
  == 64 1001000000
  == 32 1001110100
  != 64 0110111111
  != 32 0110001011
  > 64 0010100001
  > 32 0010001001
  >= 64 1011100001
  >= 32 1011111101
  < 64 0100011110
  < 32 0100000010
  <= 64 1101011110
  <= 32 1101110110
  & 64 0111110111
  & 32 0111110011
  s> 64 0100111101
  s> 32 0100000001
  s>= 64 1101111101
  s>= 32 1101110101
  s< 64 0010000010
  s< 32 0010001010
  s<= 64 1011000010
  s<= 32 1011111110
`

/** a, b, result, then the body */
const bodies: ReadonlyArray<readonly [string, bigint, bigint, bigint, string, string?]> = [
  ['neg64 of 1', 1n, 0n, ones, 'r0 = r1\nr0 = -r0'],
  ['neg64 of the smallest', 0x8000000000000000n, 0n, 0x8000000000000000n, 'r0 = r1\nr0 = -r0'],
  ['neg32 of 1', 0xf00000001n, 0n, 0xffffffffn, 'r0 = r1\nw0 = -w0'],
  ['neg32 of 0', 0xf00000000n, 0n, 0n, 'r0 = r1\nw0 = -w0'],
  ['mov64 of a negative immediate', 0n, 0n, ones, 'r0 = -1'],
  ['mov32 of a negative immediate', 0n, 0n, 0xffffffffn, 'w0 = -1'],
  ['mov64 of the largest immediate', 0n, 0n, 0x7fffffffn, 'r0 = 2147483647'],
  ['mov64 of the smallest immediate', 0n, 0n, 0xffffffff80000000n, 'r0 = -2147483648'],
  ['mov32 onto itself clears the upper half', ones, 0n, 0xffffffffn, 'r0 = r1\nw0 = w0'],
  ['movsx64 of 8 bits, negative', 0x1122334455667780n, 0n, 0xffffffffffffff80n, 'r0 = (s8)r1'],
  ['movsx64 of 8 bits, positive', 0xffffffffffffff7fn, 0n, 0x7fn, 'r0 = (s8)r1'],
  ['movsx64 of 16 bits, negative', 0x1122334455668000n, 0n, 0xffffffffffff8000n, 'r0 = (s16)r1'],
  ['movsx64 of 16 bits, positive', 0xffffffffffff7fffn, 0n, 0x7fffn, 'r0 = (s16)r1'],
  ['movsx64 of 32 bits, negative', 0x1122334480000000n, 0n, 0xffffffff80000000n, 'r0 = (s32)r1'],
  ['movsx64 of 32 bits, positive', 0xffffffff7fffffffn, 0n, 0x7fffffffn, 'r0 = (s32)r1'],
  ['movsx32 of 8 bits, negative', 0x11223344556677efn, 0n, 0xffffffefn, 'w0 = (s8)w1'],
  ['movsx32 of 8 bits, positive', ones - 0x80n, 0n, 0x7fn, 'w0 = (s8)w1'],
  ['movsx32 of 16 bits, negative', 0x112233445566ffefn, 0n, 0xffffffefn, 'w0 = (s16)w1'],
  ['movsx32 of 16 bits, positive', ones - 0x8000n, 0n, 0x7fffn, 'w0 = (s16)w1'],
  ['le16', 0x1122334455667788n, 0n, 0x7788n, 'r0 = r1\nr0 = le16 r0'],
  ['le32', 0x1122334455667788n, 0n, 0x55667788n, 'r0 = r1\nr0 = le32 r0'],
  ['le64', 0x1122334455667788n, 0n, 0x1122334455667788n, 'r0 = r1\nr0 = le64 r0'],
  ['be16', 0x1122334455667788n, 0n, 0x8877n, 'r0 = r1\nr0 = be16 r0'],
  ['be32', 0x1122334455667788n, 0n, 0x88776655n, 'r0 = r1\nr0 = be32 r0'],
  ['be64', 0x1122334455667788n, 0n, 0x8877665544332211n, 'r0 = r1\nr0 = be64 r0'],
  ['bswap16', 0x1122334455667788n, 0n, 0x8877n, 'r0 = r1\nr0 = bswap16 r0'],
  ['bswap32', 0x1122334455667788n, 0n, 0x88776655n, 'r0 = r1\nr0 = bswap32 r0'],
  ['bswap64', 0x1122334455667788n, 0n, 0x8877665544332211n, 'r0 = r1\nr0 = bswap64 r0'],
  ['wide immediate', 0n, 0n, 0x123456789abcdef0n, 'r0 = 0x123456789abcdef0 ll'],
  ['wide immediate with a negative lower half', 0n, 0n, 0x1ffffffffn, 'r0 = 0x1ffffffff ll'],
  ['wide immediate, jumped over', 7n, 0n, 7n, 'r0 = r1\nif r1 == 0x7 goto over\nr0 = 0x123456789abcdef0 ll\nover:'],

  ['goto over', 0n, 0n, 1n, 'r0 = 1\nif r1 == 0x5 goto skip\ngoto over\nskip:\nr0 = 2\nover:'],
  ['gotol over', 0n, 0n, 1n, 'r0 = 1\nif r1 == 0x5 goto skip\ngotol over\nskip:\nr0 = 2\nover:'],
  ['goto forth and back', 0n, 0n, 5n, 'r0 = 1\ngoto two\nthree:\nr0 += 3\ngoto done\ntwo:\nr0 += 1\ngoto three\ndone:'],
  ['loop of 10', 0n, 0n, 55n, 'r0 = 0\nr3 = 10\nloop:\nr0 += r3\nr3 += -1\nif r3 != 0x0 goto loop'],
  ['loop of 32-bit compares', 0n, 0n, 16n, 'w0 = 1\nloop:\nw0 <<= 1\nif w0 < 0x10 goto loop'],

  ['store and load u8', 0x1122334455667788n, 0n, 0x88n, '*(u8 *)(r10 -1) = r1\nr0 = *(u8 *)(r10 -1)'],
  ['store and load u16', 0x1122334455667788n, 0n, 0x7788n, '*(u16 *)(r10 -2) = r1\nr0 = *(u16 *)(r10 -2)'],
  ['store and load u32', 0x1122334455667788n, 0n, 0x55667788n, '*(u32 *)(r10 -4) = r1\nr0 = *(u32 *)(r10 -4)'],
  ['store and load u64', 0x1122334455667788n, 0n, 0x1122334455667788n, '*(u64 *)(r10 -8) = r1\nr0 = *(u64 *)(r10 -8)'],
  ['little-endian bytes', 0x1122334455667788n, 0n, 0x66n, '*(u64 *)(r10 -8) = r1\nr0 = *(u8 *)(r10 -6)'],
  ['u32 store leaves its neighbour', ones, 0n, 0xffffffff00000000n, '*(u64 *)(r10 -8) = r1\n*(u32 *)(r10 -8) = r2\nr0 = *(u64 *)(r10 -8)'],
  ['u16 store leaves its neighbours', ones, 0n, 0xffffffff0000ffffn, '*(u64 *)(r10 -8) = r1\n*(u16 *)(r10 -6) = r2\nr0 = *(u64 *)(r10 -8)'],
  ['u8 store leaves its neighbours', ones, 0n, 0x00ffffffffffffffn, '*(u64 *)(r10 -8) = r1\n*(u8 *)(r10 -1) = r2\nr0 = *(u64 *)(r10 -8)'],
  ['immediate store u64 sign-extends', 0n, 0n, ones, '*(u64 *)(r10 -8) = -1\nr0 = *(u64 *)(r10 -8)'],
  ['immediate store u32', 0n, 0n, 0xfffffffen, '*(u64 *)(r10 -8) = 0\n*(u32 *)(r10 -8) = -2\nr0 = *(u64 *)(r10 -8)'],
  ['immediate store u16', 0n, 0n, 0x1234n, '*(u64 *)(r10 -8) = 0\n*(u16 *)(r10 -8) = 4660\nr0 = *(u64 *)(r10 -8)'],
  ['immediate store u8 truncates', 0n, 0n, 0xefn, '*(u64 *)(r10 -8) = 0\n*(u8 *)(r10 -8) = 239\nr0 = *(u64 *)(r10 -8)'],
  ['ldsx s8', 0x80n, 0n, 0xffffffffffffff80n, '*(u64 *)(r10 -8) = r1\nr0 = *(s8 *)(r10 -8)'],
  ['ldsx s16', 0x8000n, 0n, 0xffffffffffff8000n, '*(u64 *)(r10 -8) = r1\nr0 = *(s16 *)(r10 -8)'],
  ['ldsx s32', 0x80000000n, 0n, 0xffffffff80000000n, '*(u64 *)(r10 -8) = r1\nr0 = *(s32 *)(r10 -8)'],
  ['ldsx of positive values', 0x7f7f7f7f7f7f7f7fn, 0n, 0x7f7f7f7fn + 0x7f7fn + 0x7fn,
    '*(u64 *)(r10 -8) = r1\nr0 = *(s8 *)(r10 -8)\nr3 = *(s16 *)(r10 -8)\nr4 = *(s32 *)(r10 -8)\nr0 += r3\nr0 += r4'],
  ['load by a moved pointer', 0x42n, 0n, 0x42n, '*(u64 *)(r10 -16) = r1\nr3 = r10\nr3 += -8\nr0 = *(u64 *)(r3 -8)'],
  ['store by a moved pointer', 0x42n, 0n, 0x42n, 'r3 = r10\nr3 += -24\n*(u64 *)(r3 +8) = r1\nr0 = *(u64 *)(r10 -16)'],
  ['load over its own base', 0x42n, 0n, 0x42n, '*(u64 *)(r10 -8) = r1\nr0 = r10\nr0 = *(u64 *)(r0 -8)'],

  ...atomics(64),
  ...atomics(32),
  ['cmpxchg64 that matches', 5n, 9n, 0x905n,
    '*(u64 *)(r10 -8) = r1\nr0 = r1\nr0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2)\nr3 = *(u64 *)(r10 -8)\nr3 <<= 8\nr0 |= r3'],
  ['cmpxchg64 that does not', 5n, 9n, 0x505n,
    '*(u64 *)(r10 -8) = r1\nr0 = 6\nr0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2)\nr3 = *(u64 *)(r10 -8)\nr3 <<= 8\nr0 |= r3'],
  ['cmpxchg32 compares lower halves', 5n, 9n, 0x905n,
    '*(u64 *)(r10 -8) = r1\nr0 = 0x700000005 ll\nr0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r2)\nr3 = *(u64 *)(r10 -8)\nr3 <<= 8\nr0 |= r3'],
  ['cmpxchg32 zero-extends what it found', 0xfffffff5n, 9n, 0xfffffff5n,
    '*(u64 *)(r10 -8) = r1\nr0 = -1\nr0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r2)'],
  ['cmpxchg leaves its source', 5n, 9n, 9n, '*(u64 *)(r10 -8) = r1\nr0 = r1\nr0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2)\nr0 = r2'],
  ['atomic add without fetch leaves its source', 5n, 9n, 9n, '*(u64 *)(r10 -8) = r1\nlock *(u64 *)(r10 -8) += r2\nr0 = r2'],

  ['call', 20n, 22n, 42n, 'call sum', 'sum:\nr0 = r1\nr0 += r2\nexit'],
  ['call keeps r6 to r9', 3n, 4n, 12n, 'r7 = r1\nr8 = r2\ncall spoil\nr0 = r7\nr0 *= r8', 'spoil:\nr6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\nr0 = 0\nexit'],
  ['call has a stack of its own', 7n, 0n, 7n, '*(u64 *)(r10 -8) = r1\ncall spoil\nr0 = *(u64 *)(r10 -8)',
    'spoil:\n*(u64 *)(r10 -8) = 99\nr0 = 0\nexit'],
  ['call with a pointer to the caller\'s stack', 7n, 0n, 8n, '*(u64 *)(r10 -8) = r1\nr1 = r10\nr1 += -8\ncall bump\nr0 = *(u64 *)(r10 -8)',
    'bump:\nr2 = *(u64 *)(r1 +0)\nr2 += 1\n*(u64 *)(r1 +0) = r2\nr0 = 0\nexit'],
  ['calls of calls', 1n, 0n, 5n, 'call first\nr0 += 1',
    'first:\ncall second\nr0 += 1\nexit\nsecond:\ncall third\nr0 += 1\nexit\nthird:\nr0 = r1\nr0 += 1\nexit'],
  ['two calls of one function', 2n, 5n, 29n, 'r7 = r2\ncall square\nr8 = r0\nr1 = r7\ncall square\nr0 += r8', 'square:\nr0 = r1\nr0 *= r1\nexit'],
  ['call in a loop', 0n, 0n, 30n, 'r7 = 0\nr8 = 4\nloop:\nr1 = r8\ncall square\nr7 += r0\nr8 += -1\nif r8 != 0x0 goto loop\nr0 = r7',
    'square:\nr0 = r1\nr0 *= r1\nexit'],
  ['gotol forward', 9n, 0n, 9n, 'r0 = r1\nif r2 == 0x5 goto skip\ngotol far\nskip:\nr0 = 0\nfar:']
]

/** Per operation what memory and the fetched value become; result is memory ^ old value, so that both show. */
function atomics (bits: 32 | 64): Array<readonly [string, bigint, bigint, bigint, string]> {
  const type = `u${bits}`
  const name = bits === 64 ? 'atomic64' : 'atomic'
  const a = 0xf0f0f0f0ff00ff00n
  const b = 0x3333333312345678n
  const cut = (value: bigint): bigint => BigInt.asUintN(bits, value)
  const after: ReadonlyArray<readonly [string, string, bigint]> = [
    ['add', '+=', cut(cut(a) + cut(b))], ['or', '|=', cut(a | b)], ['and', '&=', cut(a & b)], ['xor', '^=', cut(a ^ b)]
  ]
  // a 32-bit operation leaves the upper half of the word as it was
  const word = (low: bigint): bigint => bits === 64 ? low : a >> 32n << 32n | low
  return [
    ...after.flatMap(([operation, sign, result]): Array<readonly [string, bigint, bigint, bigint, string]> => [
      [`atomic ${operation} ${bits}`, a, b, word(result), `*(u64 *)(r10 -8) = r1\nlock *(${type} *)(r10 -8) ${sign} r2\nr0 = *(u64 *)(r10 -8)`],
      [`atomic fetch ${operation} ${bits}: memory`, a, b, word(result),
        `*(u64 *)(r10 -8) = r1\nr2 = ${name}_fetch_${operation}((${type} *)(r10 -8), r2)\nr0 = *(u64 *)(r10 -8)`],
      [`atomic fetch ${operation} ${bits}: old value`, a, b, cut(a),
        `*(u64 *)(r10 -8) = r1\nr2 = ${name}_fetch_${operation}((${type} *)(r10 -8), r2)\nr0 = r2`]
    ]),
    [`atomic xchg ${bits}: memory`, a, b, word(cut(b)), `*(u64 *)(r10 -8) = r1\nr2 = ${name}_xchg((${type} *)(r10 -8), r2)\nr0 = *(u64 *)(r10 -8)`],
    [`atomic xchg ${bits}: old value`, a, b, cut(a), `*(u64 *)(r10 -8) = r1\nr2 = ${name}_xchg((${type} *)(r10 -8), r2)\nr0 = r2`]
  ]
}

const ordered = [8, 16, 32, 64].flatMap((bits): Array<readonly [string, bigint, bigint, bigint, string]> => [
  [`load-acquire ${bits}`, 0xf0f0f0f0ff00ff81n, 0n, BigInt.asUintN(bits, 0xf0f0f0f0ff00ff81n),
    `*(u64 *)(r10 -8) = r1\nr3 = r10\nr0 = load_acquire((u${bits} *)(r3 -8))`],
  [`store-release ${bits}`, ones, 0x0123456789abcdefn, BigInt.asUintN(64, (ones << BigInt(bits)) | BigInt.asUintN(bits, 0x0123456789abcdefn)),
    `*(u64 *)(r10 -8) = r1\nstore_release((u${bits} *)(r10 -8), r2)\nr0 = *(u64 *)(r10 -8)`]
])

/** An immediate stands for `value` in an operation of that width. */
function asImmediate (value: bigint, bits: number): bigint | null {
  if (bits === 32) return BigInt.asIntN(32, value)
  return BigInt.asUintN(64, BigInt.asIntN(32, value)) === value ? BigInt.asIntN(32, value) : null
}

function arithmeticCases (): IsaCase[] {
  return arithmeticRows.split(/;|\n/).map((row) => row.trim()).filter((row) => row !== '').flatMap((row) => {
    const [operator = '', width = '', ...values] = row.split(' ')
    const [a = 0n, b = 0n, expected = 0n] = values.map(BigInt)
    const register = width === '64' ? 'r' : 'w'
    const start = operator === '=' ? '' : 'r0 = r1\n'
    const cases = [{ name: `${row} (register)`, a, b, expected, body: `${start}${register}0 ${operator} ${register}2` }]
    const immediate = asImmediate(b, Number(width))
    // the verifier refuses immediate division by zero and shifts by the width or more
    const refused = /[/%]=/.test(operator) ? immediate === 0n : /<<|>>/.test(operator) && (immediate ?? 0n) >> (width === '64' ? 6n : 5n) !== 0n
    if (immediate !== null && !refused) cases.push({ name: `${row} (immediate)`, a, b, expected, body: `${start}${register}0 ${operator} ${immediate}` })
    return cases
  })
}

function comparisonCases (): IsaCase[] {
  return comparisonRows.split('\n').map((row) => row.trim()).filter((row) => row !== '').flatMap((row) => {
    const [operator = '', width = '', taken = ''] = row.split(' ')
    const register = width === '64' ? 'r' : 'w'
    return comparedPairs.flatMap(([a, b], index) => {
      const expected = BigInt(taken[index] ?? '')
      const body = (operand: string): string => `r0 = 1\nif ${register}1 ${operator} ${operand} goto yes\nr0 = 0\nyes:`
      const name = `if ${a} ${operator} ${b}, ${width} bits`
      const cases = [{ name: `${name} (register)`, a, b, expected, body: body(`${register}2`) }]
      const immediate = asImmediate(b, Number(width))
      if (immediate !== null) cases.push({ name: `${name} (immediate)`, a, b, expected, body: body(String(immediate)) })
      return cases
    })
  })
}

export const isaCases: readonly IsaCase[] = [
  ...arithmeticCases(),
  ...comparisonCases(),
  ...[...bodies, ...ordered].map(([name, a, b, expected, body, functions]) => (
    { name, a, b, expected, body, ...(functions === undefined ? {} : { functions }) }))
]
