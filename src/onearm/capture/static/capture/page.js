// Small helps for the keyboard; every page works without them.
"use strict";
