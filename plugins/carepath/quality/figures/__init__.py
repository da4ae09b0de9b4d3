"""Gate 2: judges one authority's figures in marts_build before they are published."""
