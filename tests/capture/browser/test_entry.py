"""x"""
def test_start(page_of, visit):
    page = page_of("coordinator")
    page.goto("/")
    assert page.locator("h1").inner_text().startswith("To do")
def test_two(page_of, visit):
    page = page_of("coordinator", language="zh-hans")
    page.goto("/subjects/01-001")
    assert "01-001" in page.locator("h1").inner_text()
